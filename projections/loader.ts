import { MilenaError } from '../src/errors/milena-error.ts';
import type { ReadPosition } from '../src/log/port.ts';
import { registrationTokenKey } from '../src/log/resource-keys.ts';
import { slotOf } from '../src/log/slot.ts';
import type { TopicName } from '../src/log/topics.ts';
import type { Pdu } from '../src/matrix/event.ts';
import type { EventId, RoomId } from '../src/matrix/identifiers.ts';
import type {
  DeviceTokensSnapshot,
  Loader,
  PushRulesSnapshot,
  RegistrationTokenSnapshot,
  RoomSnapshot,
  SagaSnapshot,
  UserSnapshot,
} from '../src/owner/loader.ts';
import type { ModelDatabase, ModelSql } from './framework/active-schemas.ts';
import { fromPostgresText } from './framework/postgres-text.ts';
import type { TimelineQueries } from './timeline/queries.ts';
import type { StoredEvent } from './timeline/stored-event.ts';

/**
 * Loads aggregates from the models. What a snapshot holds and the offset up to which it does are read in one
 * statement, so that one cannot move between the two.
 */
export function createLoader(db: ModelDatabase, timeline: TimelineQueries, slots: number): Loader {
  return {
    checkpoint: (topic, partition) => readCheckpoint(db, topic, partition),
    room: (roomId) => readRoom(db, roomId, slotOf(roomId, slots)),
    events: (roomId, eventIds) => readEvents(timeline, roomId, eventIds),
    user: async (userId) => {
      await refusePoisoned(db, 'users', slotOf(userId, slots), userId);
      const [row] = await db.query<UserRow>(USER, [slotOf(userId, slots), userId]);
      return row === undefined ? undefined : userSnapshot(row);
    },
    alias: async (alias) => {
      await refusePoisoned(db, 'server', slotOf(alias, slots), alias);
      const [row] = await db.query<AliasRow>(ALIAS, [slotOf(alias, slots), alias]);
      if (row === undefined) return undefined;
      const { next, room_id, creator, saga } = row;
      return {
        next,
        room_id,
        ...(creator === null ? {} : { creator }),
        ...(saga === null ? {} : { saga }),
      };
    },
    registrationToken: async (tokenHash) => {
      const key = registrationTokenKey(tokenHash);
      const slot = slotOf(key, slots);
      await refusePoisoned(db, 'server', slot, key);
      return (await db.query<RegistrationTokenSnapshot>(REGISTRATION_TOKEN, [slot, tokenHash]))[0];
    },
    listing: async (roomId) => (await db.query<ListingRow>(LISTING, [roomId]))[0]?.visibility,
    receipts: async (userId, roomId) => {
      await refusePoisoned(db, 'user_values', slotOf(userId, slots), userId);
      return db.query(RECEIPTS, [slotOf(userId, slots), userId, roomId]);
    },
    pushRules: async (userId) => {
      await refusePoisoned(db, 'user_values', slotOf(userId, slots), userId);
      const [row] = await db.query<PushRulesSnapshot>(PUSH_RULES, [slotOf(userId, slots), userId]);
      return row ?? { next: 0, rules: null };
    },
    openSagas: (partition) => db.query<SagaSnapshot>(SAGAS, [partition]),
    commands: (roomId, scope) => timeline.commands(roomId, scope),
  };
}

interface AliasRow {
  readonly next: number;
  readonly room_id: string;
  readonly creator: string | null;
  readonly saga: string | null;
}

interface ListingRow {
  readonly visibility: 'public' | 'private';
}

/** The checkpoint of a model's active schema, to be joined: `c.next_offset`. */
function checkpointOf(
  m: (model: string) => string,
  model: string,
  topic: TopicName,
  partition: string,
): string {
  return `(SELECT next_offset FROM projection.checkpoints
    WHERE schema = '${m(model)}' AND topic = '${topic}' AND partition = ${partition}) AS next`;
}

const CHECKPOINTS: ModelSql = (m) => `SELECT next_offset AS offset, epoch FROM projection.checkpoints
  WHERE schema IN ('${m('room_state')}', '${m('timeline')}', '${m('accounts')}', '${m('directory')}')
    AND topic = $1 AND partition = $2 ORDER BY next_offset LIMIT 1`;

async function readCheckpoint(db: ModelDatabase, topic: TopicName, partition: number): Promise<ReadPosition> {
  const [position] = await db.query<ReadPosition>(CHECKPOINTS, [topic, partition]);
  if (position === undefined) throw new MilenaError('INTERNAL', `no model is behind the topic ${topic}`);
  return position;
}

const ROOM: ModelSql = (
  m,
) => `SELECT ${checkpointOf(m, 'room_state', 'rooms', '$2')}, r.version, r.extremities,
    r.place,
    (SELECT json_agg(json_build_array(s.type, s.state_key, s.event_id)) FROM ${m('room_state')}.entries s
      WHERE s.room = r.room AND s.until_place IS NULL AND s.event_id IS NOT NULL) AS state,
    EXISTS (SELECT FROM projection.poison p WHERE p.schema IN ('${m('room_state')}', '${m('timeline')}')
      AND p.topic = 'rooms' AND p.partition = $2 AND p.key = $1) AS poisoned,
    (SELECT g.saga FROM ${m('room_state')}.sagas g WHERE g.room_id = $1 LIMIT 1) AS saga
  FROM (SELECT 1) one LEFT JOIN ${m('room_state')}.rooms r ON r.room_id = $1 AND r.creator <> ''`;

interface RoomRow {
  readonly next: number;
  readonly version: RoomSnapshot['version'] | null;
  readonly extremities: string | null;
  readonly place: number | null;
  readonly state:
    | readonly (readonly [
        type: string,
        stateKey: string,
        eventId: RoomSnapshot['state'][number]['event_id'],
      ])[]
    | null;
  readonly poisoned: boolean;
  readonly saga: string | null;
}

async function readRoom(
  db: ModelDatabase,
  roomId: RoomId,
  partition: number,
): Promise<RoomSnapshot | undefined> {
  const [row] = await db.query<RoomRow>(ROOM, [roomId, partition]);
  if (row?.poisoned === true) {
    throw new MilenaError('SET_ASIDE', 'A record of this room is set aside; see milena status.');
  }
  if (row === undefined || (row.version === null && row.saga === null)) return undefined;
  // The text was made of this very shape by `room_state/rows.ts`.
  const extremities: [
    eventId: RoomSnapshot['extremities'][number]['event_id'],
    depth: number,
    hash?: string,
  ][] = JSON.parse(row.extremities ?? '[]');
  return {
    next: row.next,
    version: row.version ?? undefined,
    // Inside JSON texts are still as Postgres holds them.
    state: (row.state ?? []).map(([type, state_key, event_id]) => ({
      type: fromPostgresText(type),
      state_key: fromPostgresText(state_key),
      event_id,
    })),
    extremities: extremities.map(([event_id, depth, hash]) => ({
      event_id,
      depth,
      ...(hash === undefined ? {} : { hash }),
    })),
    place: row.place ?? 0,
    saga: row.saga ?? undefined,
  };
}

/** State events whole; of messages what a redaction of them asks for. */
async function readEvents(
  timeline: TimelineQueries,
  roomId: RoomId,
  eventIds: readonly EventId[],
): Promise<ReadonlyMap<EventId, Pdu>> {
  const events = new Map(await timeline.pdus(roomId, eventIds));
  for (const id of eventIds.filter((each) => !events.has(each))) {
    const event = await timeline.event(roomId, id);
    if (event !== undefined) events.set(id, partialPdu(event));
  }
  return events;
}

function partialPdu({ room_id, type, sender, content, origin_server_ts }: StoredEvent): Pdu {
  return {
    room_id,
    type,
    sender,
    content: JSON.parse(content),
    origin_server_ts,
    depth: 0,
    prev_events: [],
    auth_events: [],
    hashes: { sha256: '' },
    signatures: {},
  };
}

const USER: ModelSql = (m) => `SELECT ${checkpointOf(m, 'accounts', 'users', '$1')}, u.kind, u.admin,
    u.deactivated, u.locked, u.suspended,
    ARRAY(SELECT d.device_id FROM ${m('accounts')}.devices d WHERE d.user_id = u.user_id) AS device_ids,
    (SELECT json_agg(json_build_object('device_id', t.device_id, 'token_hash', encode(t.token_hash, 'hex'),
      'refresh_hash', encode(t.refresh_hash, 'hex'), 'expires_at', t.expires_at) ORDER BY t.position)
      FROM ${m('accounts')}.tokens t WHERE t.user_id = u.user_id) AS tokens,
    (SELECT json_agg(json_build_array(p.field, octet_length(p.value)))
      FROM ${m('accounts')}.profiles p WHERE p.user_id = u.user_id) AS fields
  FROM ${m('accounts')}.users u WHERE u.user_id = $2`;

interface UserRow extends Omit<UserSnapshot, 'devices' | 'profile'> {
  readonly device_ids: readonly string[];
  readonly tokens: readonly (DeviceTokensSnapshot & { readonly device_id: string })[] | null;
  readonly fields: UserSnapshot['profile'] | null;
}

function userSnapshot({ device_ids, tokens, fields, ...account }: UserRow): UserSnapshot {
  // Inside JSON texts are still as Postgres holds them.
  const byDevice = Map.groupBy(tokens ?? [], ({ device_id }) => fromPostgresText(device_id));
  const devices = device_ids.map((id) => {
    return [id, (byDevice.get(id) ?? []).map(({ device_id: _, ...rest }) => rest)] as const;
  });
  const profile = (fields ?? []).map(([field, bytes]) => [fromPostgresText(field), bytes] as const);
  return { ...account, devices, profile };
}

const ALIAS: ModelSql = (m) => `SELECT ${checkpointOf(m, 'directory', 'server', '$1')}, room_id, creator, saga
  FROM ${m('directory')}.aliases WHERE alias = $2`;

const REGISTRATION_TOKEN: ModelSql = (
  m,
) => `SELECT ${checkpointOf(m, 'directory', 'server', '$1')}, uses, uses_allowed, expires_at
  FROM ${m('directory')}.registration_tokens WHERE token_hash = decode($2, 'hex')`;

/** Whether a record of the key was set aside by one of the models that serve. */
const POISONED: ModelSql = () => `SELECT EXISTS (SELECT FROM projection.poison p
    JOIN projection.models s ON s.active_schema = p.schema
    WHERE p.topic = $1 AND p.partition = $2 AND (p.key = $3 OR p.key LIKE $4)) AS poisoned`;

/** What is set aside is not in the models: deciding without it could let a closed account in again. */
async function refusePoisoned(db: ModelDatabase, topic: TopicName, slot: number, key: string): Promise<void> {
  // Keys of values go on behind the user's ID; none of the others has a `/` that way.
  const below = `${key.replaceAll(/[\\%_]/g, '\\$&')}/%`;
  const [row] = await db.query<{ poisoned: boolean }>(POISONED, [topic, slot, key, below]);
  if (row?.poisoned === true) {
    throw new MilenaError('SET_ASIDE');
  }
}

const LISTING: ModelSql = (m) => `SELECT CASE WHEN public THEN 'public' ELSE 'private' END AS visibility
  FROM ${m('directory')}.listings WHERE room_id = $1`;

const RECEIPTS: ModelSql = (m) => `SELECT ${checkpointOf(m, 'accounts', 'user_values', '$1')}, receipt_type,
    nullif(thread_id, '') AS thread_id, event_id, place, furthest_event_id, furthest_place
  FROM ${m('accounts')}.receipts WHERE user_id = $2 AND room_id = $3`;

const PUSH_RULES: ModelSql = (m) => `SELECT ${checkpointOf(m, 'accounts', 'user_values', '$1')}, rules
  FROM ${m('accounts')}.push_rules WHERE user_id = $2`;

const SAGAS: ModelSql = (m) => `SELECT ${checkpointOf(m, 'room_state', 'rooms', '$1')}, room_id, saga, alias,
    command FROM ${m('room_state')}.sagas WHERE partition = $1 AND command IS NOT NULL ORDER BY log_offset`;
