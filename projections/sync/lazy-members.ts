import { LRUCache } from 'lru-cache';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { SyncEvent } from './sync-event.ts';

/** Devices remembered. */
const DEVICES = 20_000;

/**
 * Which member events a device was sent, so that lazy loading does not repeat them. In memory only: what is
 * forgotten is sent once more, which the spec allows (client-server API, "Lazy-loading room members").
 */
export class LazyMembers {
  private readonly devices: LRUCache<string, DeviceMembers>;

  /** @param kept devices remembered. */
  constructor(kept = DEVICES) {
    this.devices = new LRUCache({ max: kept });
  }

  /**
   * What the device was sent up to `since`.
   * @param since the token of its request. The same token again means that the last answer was lost.
   */
  of(userId: string, deviceId: string, since: string | undefined): DeviceMembers {
    const name = `${userId} ${deviceId}`;
    const present = since === undefined ? undefined : this.devices.get(name);
    if (present !== undefined) {
      present.begin(since);
      return present;
    }
    const made = new DeviceMembers();
    made.begin(since);
    this.devices.set(name, made);
    return made;
  }
}

/** What one device was sent. Changes of members it knows reach it by the timeline and by state deltas. */
export class DeviceMembers {
  private readonly rooms = new Map<RoomId, Set<string>>();
  private since: string | undefined;
  private lately: [RoomId, string][] = [];

  /** A request with this token begins. */
  begin(since: string | undefined): void {
    if (since === this.since)
      for (const [roomId, userId] of this.lately) this.rooms.get(roomId)?.delete(userId);
    this.since = since;
    this.lately = [];
  }

  /** Whether the device was sent the user's member event in the room. */
  knows(roomId: RoomId, userId: string): boolean {
    return this.rooms.get(roomId)?.has(userId) === true;
  }

  /** The member events among these are sent now. */
  sent(roomId: RoomId, events: readonly SyncEvent[]): void {
    for (const { type, state_key } of events) {
      if (type !== 'm.room.member' || state_key === null || this.knows(roomId, state_key)) continue;
      const members = this.rooms.get(roomId) ?? new Set();
      this.rooms.set(roomId, members.add(state_key));
      this.lately.push([roomId, state_key]);
    }
  }

  /** The device begins anew with a room. */
  forget(roomId: RoomId): void {
    this.rooms.delete(roomId);
  }
}
