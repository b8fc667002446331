import { slotOf } from '../../src/log/slot.ts';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { parsePushRuleChanges, pushRulesContent } from '../../src/matrix/push-rule-changes.ts';
import type { ThreadPlace } from '../../src/matrix/relations.ts';
import { ignoredUsers } from '../accounts/ignored-users.ts';
import { readBlocksInvites } from '../accounts/invite-permission.ts';
import type { ModelDatabase } from '../framework/active-schemas.ts';
import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { Positions } from '../framework/positions.ts';
import { usersSharing } from '../room_state/users-sharing.ts';
import { withoutErased } from '../timeline/erased-senders.ts';
import { readRelations } from '../timeline/event-relations.ts';
import { filterValues } from '../timeline/page-query.ts';
import { type StoredEventRow, storedEvents } from '../timeline/stored-event.ts';
import { mayMentionRoom, readLevels } from './level-queries.ts';
import { readStates } from './state-queries.ts';
import * as sql from './statements.ts';
import type { AccountDatum, Membership, Receipt, Replaced } from './sync-event.ts';
import type { ModelTopic, RoomOffset, RoomPlace, ShownProfile, Summary, SyncReads } from './sync-reads.ts';
import { readUnread } from './unread-queries.ts';
import { DEFAULT_RULES, userRules } from './user-rules.ts';

/** The models that a sync asks, by topic: it is as old as the oldest of them. */
const MODELS: Readonly<Record<ModelTopic, readonly string[]>> = {
  rooms: ['room_state', 'timeline', 'sync'],
  user_values: ['accounts'],
};

/** How long a new name or avatar is waited for, milliseconds. */
const PROFILE_MS = 2_000;

/** What a sync asks of the read models, over the schemas that are active. */
export function createSyncReads(db: ModelDatabase, positions: Positions, slots: number): SyncReads {
  const reads: SyncReads = {
    ...waiting(positions, slots),
    memberships: (userId, below) => db.query<Membership>(sql.MEMBERSHIPS, [userId, int8Column(below)]),
    async touched(rooms) {
      const rows = await db.query<{ room_id: RoomId }>(sql.TOUCHED, roomOffsets(rooms));
      return new Set(rows.map(({ room_id }) => room_id));
    },
    async places(rooms) {
      if (rooms.length === 0) return [];
      return (await db.query<{ place: number }>(sql.PLACES, roomOffsets(rooms))).map(({ place }) => place);
    },
    async timelines(asks, selection, limit) {
      if (asks.length === 0) return new Map();
      const rows = await db.query<StoredEventRow>(sql.TIMELINES, [
        textColumn(asks.map(({ room_id }) => room_id)),
        int8Column(asks.map(({ after }) => after)),
        int8Column(asks.map(({ upTo }) => upTo)),
        limit,
        ...filterValues({ ...selection.filter, ignored: [...selection.ignored] }),
      ]);
      return Map.groupBy(await storedEvents(db, rows), ({ room_id }) => room_id);
    },
    states: (asks, types) => readStates(db, asks, types),
    async replaced(asks) {
      type Row = { readonly [Key in keyof Replaced]: Replaced[Key] | null };
      const rows = await db.query<Row>(sql.REPLACED, [
        textColumn(asks.map(({ room_id }) => room_id)),
        textColumn(asks.map(({ type }) => type)),
        textColumn(asks.map(({ state_key }) => state_key)),
        int8Column(asks.map(({ place }) => place)),
      ]);
      return rows.map(({ event_id, content, place }) =>
        event_id === null || content === null || place === null ? undefined : { event_id, content, place },
      );
    },
    async visibilities(rooms) {
      type Row = { readonly room_id: RoomId; readonly place: number; readonly visibility: string };
      const rows = await db.query<Row>(sql.VISIBILITIES, [textColumn(rooms)]);
      return Map.groupBy(rows, ({ room_id }) => room_id);
    },
    async summaries(rooms) {
      type Row = Summary & { readonly room_id: RoomId };
      const rows = await db.query<Row>(sql.SUMMARIES, roomPlaces(rooms));
      return new Map(rows.map(({ room_id, ...summary }) => [room_id, summary]));
    },
    async receipts(userId, asks, since, below) {
      const rows = await db.query<Receipt & { readonly room_id: RoomId }>(sql.RECEIPTS, [
        userId,
        textColumn(asks.map(({ room_id }) => room_id)),
        boolColumn(asks.map(({ all }) => all)),
        int8Column(since),
        int8Column(below),
      ]);
      return Map.groupBy(rows, ({ room_id }) => room_id);
    },
    async accountData(userId, from, below) {
      const data = await db.query<AccountDatum>(sql.ACCOUNT_DATA, [userId, from, below]);
      return data.map((datum) =>
        isPushRules(datum) ? { ...datum, content: shownRules(userId, datum) } : datum,
      );
    },
    joined: async (userId) =>
      (await db.query<{ room_id: RoomId }>(sql.JOINED, [userId])).map(({ room_id }) => room_id),
    async shownProfiles(users) {
      const waits = users.map(({ user_id, profile }) =>
        positions.waitFor('accounts', 'users', slotOf(user_id, slots), profile, PROFILE_MS),
      );
      await Promise.all(waits);
      type Row = { readonly user_id: UserId; readonly field: string; readonly value: string };
      const rows = await db.query<Row>(sql.SHOWN_PROFILES, [textColumn(users.map(({ user_id }) => user_id))]);
      const profiles = new Map<UserId, ShownProfile>();
      for (const { user_id, field, value } of rows) {
        const text: unknown = JSON.parse(value);
        if (typeof text === 'string') profiles.set(user_id, { ...profiles.get(user_id), [field]: text });
      }
      return profiles;
    },
    sharing: (userId, users) => usersSharing(db, userId, users),
    ignored: async (userId) => new Set(await ignoredUsers(db, userId)),
    blocksInvites: (userId) => readBlocksInvites(db, userId),
    relations({ user_id, ignored }, asks) {
      const ranges = asks.map(({ room_id, events, upTo }) => {
        return [room_id, [{ from: events[0]?.place ?? upTo, to: upTo }]] as const;
      });
      const events = asks.flatMap((ask) => ask.events);
      return readRelations(db, events, { user_id, ignored: [...ignored], visible: new Map(ranges) });
    },
    withoutErased: (events, views) => withoutErased(db, events, views),
    async threads(roomId, events) {
      type Row = ThreadPlace & { readonly event_id: EventId };
      const rows = await db.query<Row>(sql.THREADS, [roomId, textColumn(events)]);
      return new Map(rows.map(({ event_id, thread, hops }) => [event_id, { thread, hops }]));
    },
    async pushRules(userId) {
      type Row = { readonly rules: string; readonly offset: number };
      const [row] = await db.query<Row>(sql.PUSH_RULES, [userId]);
      return row === undefined
        ? DEFAULT_RULES
        : userRules(userId, parsePushRuleChanges(row.rules), row.offset);
    },
    unread: (userId, rules, rooms) => readUnread(db, reads, { userId, rules }, rooms),
    mayMentionRoom: async ({ room_id, place }, sender) =>
      mayMentionRoom((await readLevels(db, [room_id]))(room_id, place), sender),
  };
  return reads;
}

function isPushRules({ room_id, type }: AccountDatum): boolean {
  return room_id === null && type === 'm.push_rules';
}

function shownRules(userId: UserId, { content }: AccountDatum): string {
  return pushRulesContent(userId, parsePushRuleChanges(content));
}

function waiting(positions: Positions, slots: number): Pick<SyncReads, 'reached' | 'reach'> {
  return {
    reached: (topic) =>
      Array.from({ length: slots }, (_, partition) =>
        Math.min(...MODELS[topic].map((model) => positions.next(model, topic, partition))),
      ),
    async reach(topic, partition, end, timeoutMs) {
      const waits = MODELS[topic].map((model) =>
        positions.waitFor(model, topic, partition, end - 1, timeoutMs),
      );
      return (await Promise.all(waits)).every((reached) => reached);
    },
  };
}

function roomOffsets(rooms: readonly RoomOffset[]): readonly Buffer[] {
  return [textColumn(rooms.map(({ room_id }) => room_id)), int8Column(rooms.map(({ offset }) => offset))];
}

function roomPlaces(rooms: readonly RoomPlace[]): readonly Buffer[] {
  return [textColumn(rooms.map(({ room_id }) => room_id)), int8Column(rooms.map(({ place }) => place))];
}
