import { liveliest, type Presence, type PresenceState } from '../matrix/presence.ts';

/** How long somebody who did something is taken to be active, milliseconds. */
const ACTIVE_MS = 60_000;

/** Times of the configuration, milliseconds. */
export interface PresenceTimes {
  readonly idleMs: number;
  readonly offlineMs: number;
}

interface Device {
  state: PresenceState;
  /** Syncs under way. */
  syncs: number;
  /** When it was last heard of. */
  seenAt: number;
}

/** One user's presence as the devices that talk to this node make it. Time comes in with every call. */
export class OwnPresence {
  status: string | null;
  /** See `Presence`. */
  profile = 0;
  private readonly devices = new Map<string, Device>();
  private readonly times: PresenceTimes;
  private activeAt: number;

  constructor(times: PresenceTimes, status: string | null, activeAt: number) {
    this.times = times;
    this.status = status;
    this.activeAt = activeAt;
  }

  /** A device syncs. Coming online is something that the user does; staying so is not. */
  syncing(deviceId: string, state: PresenceState, now: number): void {
    const device = this.device(deviceId, now);
    if (state === 'online' && (device.state !== 'online' || !this.isHere(device, now))) this.activeAt = now;
    device.state = state;
    device.syncs += 1;
    device.seenAt = now;
  }

  /** It does no more. */
  synced(deviceId: string, now: number): void {
    const device = this.device(deviceId, now);
    device.syncs = Math.max(0, device.syncs - 1);
    device.seenAt = now;
  }

  /** The user says so. */
  set(deviceId: string, state: PresenceState, status: string | null, now: number): void {
    const device = this.device(deviceId, now);
    device.state = state;
    device.seenAt = now;
    this.status = status;
    this.activeAt = now;
  }

  /** The user did something: whoever was idle is not. */
  active(now: number): void {
    this.activeAt = now;
    for (const device of this.devices.values()) if (device.state === 'unavailable') device.state = 'online';
  }

  /** What that comes to. */
  shown(now: number): Presence & { readonly active_at: number } {
    const best = liveliest(this.here(now).map(({ state }) => state));
    const quiet = now - this.activeAt;
    const presence = best === 'online' && quiet >= this.times.idleMs ? 'unavailable' : best;
    const currently_active = presence === 'online' && quiet < Math.min(ACTIVE_MS, this.times.idleMs);
    return {
      presence,
      active_at: this.activeAt,
      currently_active,
      status_msg: this.status,
      profile: this.profile,
    };
  }

  /** When it may next be otherwise without anybody doing anything; undefined when never. */
  next(now: number): number | undefined {
    const { idleMs, offlineMs } = this.times;
    const ends = [...this.devices.values()].flatMap(({ syncs, seenAt }) =>
      syncs > 0 ? [] : [seenAt + offlineMs],
    );
    const times = [...ends, this.activeAt + idleMs, this.activeAt + ACTIVE_MS].filter((time) => time > now);
    return this.here(now).length === 0 || times.length === 0 ? undefined : Math.min(...times);
  }

  private here(now: number): readonly Device[] {
    for (const [id, device] of this.devices) if (!this.isHere(device, now)) this.devices.delete(id);
    return [...this.devices.values()];
  }

  private isHere({ syncs, seenAt }: Device, now: number): boolean {
    return syncs > 0 || now - seenAt < this.times.offlineMs;
  }

  private device(deviceId: string, now: number): Device {
    const present = this.devices.get(deviceId);
    if (present !== undefined) return present;
    const made: Device = { state: 'offline', syncs: 0, seenAt: now };
    this.devices.set(deviceId, made);
    return made;
  }
}
