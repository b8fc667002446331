import assert from 'node:assert/strict';
import { authTypesFor } from '../../matrix/auth-events.ts';
import { checkAuth } from '../../matrix/auth-rules.ts';
import type { StateLookup } from '../../matrix/auth-state.ts';
import { authEventIds } from '../../matrix/event-format.ts';
import { createEventIdOf } from '../../matrix/hashes.ts';
import type { EventId } from '../../matrix/identifiers.ts';
import { ownString } from '../../matrix/json.ts';
import { powerLevels } from '../../matrix/power-levels.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import type { AuthEvent } from './auth-source.ts';

/**
 * State resolution from version 2 on as the spec's words say it, step by step over whole sets: no trees, no chains,
 * nothing saved. What the real one does must come to the same.
 */
export class PlainResolution {
  readonly #version: RoomVersion;
  readonly #events: ReadonlyMap<EventId, AuthEvent>;

  constructor(version: RoomVersion, events: ReadonlyMap<EventId, AuthEvent>) {
    this.#version = version;
    this.#events = events;
  }

  /** Resolves states: maps from `key` to event ID. */
  resolve(states: readonly ReadonlyMap<string, EventId>[]): ReadonlyMap<string, EventId> {
    const { unconflicted, full } = this.sets(states);
    const isOld = this.#version.stateResolution === 'v2';
    let partial: ReadonlyMap<string, EventId> = isOld ? unconflicted : new Map();
    const power = [...full].filter((id) => this.#isPowerEvent(id));
    const first = new Set(power.flatMap((id) => [id, ...this.#authChain(id).intersection(full)]));
    partial = this.#iterate(partial, this.#byPower(first));
    const rest = [...full].filter((id) => !first.has(id));
    partial = this.#iterate(partial, this.#byMainline(rest, partial.get(key('m.room.power_levels'))));
    return new Map([...partial, ...unconflicted]);
  }

  /** The unconflicted state map and the full conflicted set. */
  sets(states: readonly ReadonlyMap<string, EventId>[]) {
    const keys = new Set(states.flatMap((state) => [...state.keys()]));
    const unconflicted = new Map<string, EventId>();
    const conflicted = new Set<EventId>();
    for (const each of keys) {
      const values = states.map((state) => state.get(each));
      const [value] = values;
      if (value !== undefined && values.every((other) => other === value)) unconflicted.set(each, value);
      else for (const other of values) if (other !== undefined) conflicted.add(other);
    }
    const chains = states.map((state) => union([...state.values()].map((id) => this.#authChain(id))));
    const everywhere = chains.reduce((common, chain) => common.intersection(chain), chains[0] ?? new Set());
    const full = conflicted.union(union(chains).difference(everywhere));
    if (this.#version.stateResolution === 'v2') return { unconflicted, full };
    const between = [...this.#events.keys()].filter((id) => {
      const isAbove = conflicted.has(id) || this.#authChain(id).intersection(conflicted).size > 0;
      return isAbove && (conflicted.has(id) || [...conflicted].some((top) => this.#authChain(top).has(id)));
    });
    return { unconflicted, full: full.union(new Set(between)) };
  }

  #event(id: EventId): AuthEvent {
    return this.#events.get(id) ?? assert.fail(id);
  }

  #authChain(id: EventId): ReadonlySet<EventId> {
    const chain = new Set<EventId>();
    const next = [...authEventIds(this.#event(id).pdu)];
    for (let auth = next.pop(); auth !== undefined; auth = next.pop()) {
      if (chain.has(auth)) continue;
      chain.add(auth);
      next.push(...authEventIds(this.#event(auth).pdu));
    }
    return chain;
  }

  #isPowerEvent(id: EventId): boolean {
    const { type, content, sender, state_key } = this.#event(id).pdu;
    if (type === 'm.room.power_levels' || type === 'm.room.join_rules') return true;
    const isOut = ['leave', 'ban'].includes(ownString(content, 'membership') ?? '');
    return type === 'm.room.member' && isOut && sender !== state_key;
  }

  #byPower(ids: ReadonlySet<EventId>): readonly EventId[] {
    const left = new Set(ids);
    const ordered: EventId[] = [];
    while (left.size > 0) {
      const free = [...left].filter(
        (id) => !authEventIds(this.#event(id).pdu).some((auth) => left.has(auth)),
      );
      const [next] = free.sort((a, b) => {
        const [x, y] = [this.#senderPower(a), this.#senderPower(b)];
        return x === y ? this.#byTime(a, b) : x > y ? -1 : 1;
      });
      if (next === undefined) assert.fail('auth events go in a circle');
      left.delete(next);
      ordered.push(next);
    }
    return ordered;
  }

  #byTime(a: EventId, b: EventId): number {
    const [x, y] = [this.#event(a).pdu.origin_server_ts, this.#event(b).pdu.origin_server_ts];
    return x - y || (a < b ? -1 : 1);
  }

  #senderPower(id: EventId): number {
    const state = new Map(this.#authOf(id).map((auth) => [this.#keyOf(auth), auth]));
    return powerLevels(this.#version, this.#lookup(state)).of(this.#event(id).pdu.sender);
  }

  #byMainline(ids: readonly EventId[], power: EventId | undefined): readonly EventId[] {
    const mainline: EventId[] = [];
    for (let each = power; each !== undefined; each = this.#powerOf(each)) mainline.push(each);
    const position = new Map(
      ids.map((id) => {
        let each = this.#powerOf(id);
        while (each !== undefined && !mainline.includes(each)) each = this.#powerOf(each);
        return [id, each === undefined ? Number.POSITIVE_INFINITY : mainline.indexOf(each)];
      }),
    );
    return [...ids].sort((a, b) => {
      const [x, y] = [position.get(a) ?? 0, position.get(b) ?? 0];
      return x === y ? this.#byTime(a, b) : x > y ? -1 : 1;
    });
  }

  #powerOf(id: EventId): EventId | undefined {
    return authEventIds(this.#event(id).pdu).find(
      (auth) => this.#event(auth).pdu.type === 'm.room.power_levels',
    );
  }

  #iterate(start: ReadonlyMap<string, EventId>, ids: readonly EventId[]): ReadonlyMap<string, EventId> {
    const state = new Map(start);
    for (const id of ids) {
      const { pdu } = this.#event(id);
      const seen = new Map<string, EventId>();
      for (const auth of this.#authOf(id)) if (!this.#event(auth).rejected) seen.set(this.#keyOf(auth), auth);
      for (const [type, stateKey] of [['m.room.create', ''] as const, ...authTypesFor(this.#version, pdu)]) {
        const holds = state.get(key(type, stateKey));
        if (holds !== undefined) seen.set(key(type, stateKey), holds);
      }
      const context = { verifier: { verify: () => false }, isSignedBy: () => true };
      if (checkAuth(this.#version, pdu, this.#lookup(seen), context).allowed) state.set(this.#keyOf(id), id);
    }
    return state;
  }

  #authOf(id: EventId): readonly EventId[] {
    const { pdu } = this.#event(id);
    const listed = authEventIds(pdu);
    if (this.#version.createInAuthEvents || pdu.room_id === undefined) return listed;
    return [createEventIdOf(pdu.room_id), ...listed];
  }

  #keyOf(id: EventId): string {
    const { type, state_key } = this.#event(id).pdu;
    return key(type, state_key);
  }

  #lookup(state: ReadonlyMap<string, EventId>): StateLookup {
    return (type, stateKey) => {
      const id = state.get(key(type, stateKey));
      return id === undefined ? undefined : { event_id: id, ...this.#event(id).pdu };
    };
  }
}

/** How states are keyed here. */
export function key(type: string, stateKey = ''): string {
  return `${type}\0${stateKey}`;
}

function union(sets: readonly ReadonlySet<EventId>[]): Set<EventId> {
  return new Set(sets.flatMap((set) => [...set]));
}
