import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Stored } from '../../src/log/codec.ts';
import type { RecordType } from '../../src/log/records.ts';

/** A schema as it once was, with a value and the bytes that it was encoded to. The files are never changed. */
export interface Golden {
  /** `<type>.<fingerprint>.json`. */
  readonly file: string;
  readonly type: RecordType;
  readonly fingerprint: string;
  /** The schema's text then. */
  readonly schema: string;
  readonly value: unknown;
  readonly bytes: Buffer;
}

const folder = new URL('./golden/', import.meta.url);

/** All golden files. Byte strings in values are written `{ "$hex": "…" }`. */
export function goldenFiles(): readonly Golden[] {
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const { schema, value, bytes } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'), revive);
      const [type, fingerprint] = file.split('.');
      // A file whose name is no type fails in the test that decodes it.
      return {
        file,
        type: type as RecordType,
        fingerprint: fingerprint ?? '',
        schema: JSON.stringify(schema),
        value,
        bytes,
      };
    });
}

/** Writes the golden file of a schema that has none yet (`write-golden.ts`). */
export function writeGolden(golden: Omit<Golden, 'file'>): void {
  const { type, fingerprint, schema, value, bytes } = golden;
  const text = JSON.stringify({ schema: JSON.parse(schema), value, bytes }, replace, 2);
  writeFileSync(new URL(`${type}.${fingerprint}.json`, folder), `${text}\n`, { flag: 'wx' });
}

function revive(_key: string, value: unknown): unknown {
  const hex = typeof value === 'object' && value !== null && '$hex' in value ? value.$hex : undefined;
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : value;
}

function replace(this: unknown, key: string, value: unknown): unknown {
  // JSON.stringify has already called the Buffer's own toJSON: the holder still has it.
  const held: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : undefined;
  return held instanceof Uint8Array ? { $hex: Buffer.from(held).toString('hex') } : value;
}

const bytes = (length: number, first: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (first + index) % 256));

const sealed = { block: 'AbCdEfGh_-12', leaf: 1_023, nonce: bytes(12, 1), box: bytes(40, 100) };

const state = {
  root: bytes(32, 7),
  partial: true,
  base: bytes(32, 77),
  changed: [
    { type: 'm.room.member', state_key: '@ann:example.org', event_id: '$joined' },
    { type: 'm.room.topic', state_key: '', event_id: null },
  ],
};

const unknownState = { root: null, partial: false, base: null, changed: [] };

/** A value of each type in which every branch of the schema that can be is taken. */
export const samples: { readonly [T in RecordType]: Stored<T> } = {
  claim: { node: 'http://127.0.0.1:8009', software: 'milena 0.1.0' },
  schema: { fingerprint: '8c24918b4b6dae0d', name: 'schema', schema: '{"type":"record"}' },
  content_key: {
    nodes: [
      { depth: 0, index: 0, nonce: bytes(12, 3), wrapped: bytes(48, 9) },
      { depth: 10, index: 1_022, nonce: bytes(12, 4), wrapped: bytes(48, 10) },
    ],
    master: '0123456789abcdef',
  },
  room_event: {
    event_id: '$event',
    room_version: '12',
    kind: 'event',
    verdict: 'soft_failed',
    reason: 'the sender is not joined',
    place: 4_503_599_627_370_497,
    skeleton: '{"type":"m.room.message","sender":"@ann:example.org"}',
    sealed,
    redacts: '$other',
    before: state,
    after: unknownState,
    current: null,
    transaction: { device_id: 'DEVICE', txn_id: 'm1' },
  },
  room_forgotten: { user_id: '@ann:example.org', membership_event: '$left' },
  saga_started: { saga: '00ff', kind: 'create_room', alias: '#a:example.org', sealed },
  saga_ended: { saga: '00ff', outcome: 'undone', error: 'ROOM_IN_USE', reason: 'The room alias is taken.' },
  user_registered: { kind: 'guest', admin: true, terms: ['privacy/1.2'], sealed },
  guest_upgraded: { sealed, terms: ['privacy/1.2'] },
  password_changed: { sealed },
  user_deactivated: { erase: true, actor: '@admin:example.org' },
  user_locked: { locked: true, actor: '@admin:example.org', sealed },
  user_suspended: { suspended: true, actor: '@admin:example.org', sealed },
  device_added: {
    device_id: 'DEVICE',
    token_hash: bytes(32, 50),
    method: 'm.login.password',
    sealed,
    refresh_hash: bytes(32, 51),
    expires_at: 1_700_000_000_000,
  },
  device_tokens_set: {
    device_id: 'DEVICE',
    tokens: [
      { token_hash: bytes(32, 52), refresh_hash: bytes(32, 53), expires_at: 1_700_000_000_000 },
      { token_hash: bytes(32, 54), refresh_hash: null, expires_at: null },
    ],
  },
  account_closed: { rooms: 3 },
  device_renamed: { device_id: 'DEVICE', sealed },
  device_removed: { devices: ['A', 'B'], reason: 'logout_all' },
  profile_changed: { field: 'displayname', sealed },
  profile_told: { user_id: '@ann:example.org', through: 4_711 },
  account_data_set: { user_id: '@ann:example.org', room_id: '!room', type: 'm.tag', sealed },
  filter_set: { user_id: '@ann:example.org', filter_id: 'abc', sealed },
  push_rules_set: { user_id: '@ann:example.org', sealed },
  receipt_set: {
    user_id: '@ann:example.org',
    room_id: '!room',
    receipt_type: 'm.read',
    thread_id: 'main',
    event_id: '$a',
    place: -5,
    furthest_event_id: '$b',
    furthest_place: 12,
    ts: 1_700_000_000_000,
  },
  alias_reserved: { saga: '00ff', room_id: '!room' },
  alias_set: { room_id: '!room', creator: '@ann:example.org' },
  alias_removed: { actor: 'saga' },
  room_listed: { room_id: '!room', visibility: 'private', actor: '@ann:example.org' },
  registration_token_made: { uses_allowed: 5, expires_at: 1_700_000_000_000, actor: 'cli' },
  registration_token_used: { user_id: '@ann:example.org', uses: 3 },
  registration_token_returned: { user_id: '@ann:example.org', uses: 2 },
  registration_token_removed: { actor: '@admin:example.org' },
  typing: { room_id: '!room', user_id: '@ann:example.org', typing: false, until: 1_700_000_030_000 },
  presence: {
    user_id: '@ann:example.org',
    node: '0123456789abcdef',
    state: 'unavailable',
    active_at: 1_700_000_000_000,
    currently_active: true,
    status: bytes(40, 9),
    until: 1_700_000_300_000,
    profile: 77,
  },
};
