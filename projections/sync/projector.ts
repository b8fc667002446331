import { LRUCache } from 'lru-cache';
import type { RoomEventRecord } from '../../src/log/records.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Projector, ProjectorContext, Statement } from '../framework/model.ts';
import { isLive, parsedEvent } from '../room-record.ts';

/** Rooms of a partition whose counts are kept in memory. */
const KEPT_ROOMS = 2_000;
/** Members of a partition's rooms whose membership is kept in memory: about 800 KB, with 64 partitions 50 MB. */
const KEPT_MEMBERS = 4_000;

interface Counts {
  readonly joined: number;
  readonly invited: number;
}

interface MemberEvent {
  readonly record: OpenedRecord;
  readonly value: RoomEventRecord;
  readonly user_id: string;
  readonly membership: string;
  readonly sender: string;
}

interface Row extends MemberEvent, Counts {}

/** Turns the member events of one partition into the rows of `sync`. Other events cost nothing but a look. */
export class SyncProjector implements Projector {
  private readonly context: ProjectorContext;
  private readonly rooms = new LRUCache<string, Counts>({ max: KEPT_ROOMS });
  private readonly members = new LRUCache<string, string>({ max: KEPT_MEMBERS });
  private readonly insert: string;
  private readonly forgotten: string;
  private readonly loadRooms: string;
  private readonly loadMembers: string;

  constructor(context: ProjectorContext) {
    const { schema } = context;
    this.context = context;
    this.insert = `INSERT INTO ${schema}.memberships (user_id, room_id, place, log_offset, partition, joined,
        invited, membership, sender, event_id)
      SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[],
        $8::text[], $9::text[], $10::text[])`;
    // Each counts for the last membership before it; said twice, the first time counts.
    this.forgotten = `UPDATE ${schema}.memberships m SET forgotten = f.log_offset
      FROM (SELECT a.user_id, a.room_id, l.place, min(a.log_offset) AS log_offset
        FROM unnest($1::text[], $2::text[], $3::int8[]) a(user_id, room_id, log_offset)
        CROSS JOIN LATERAL (SELECT place FROM ${schema}.memberships
          WHERE user_id = a.user_id AND room_id = a.room_id AND log_offset < a.log_offset
          ORDER BY place DESC LIMIT 1) l
        GROUP BY a.user_id, a.room_id, l.place) f
      WHERE m.user_id = f.user_id AND m.room_id = f.room_id AND m.place = f.place AND m.forgotten IS NULL`;
    this.loadRooms = `SELECT a.room_id, m.joined, m.invited FROM unnest($1::text[]) a(room_id)
      CROSS JOIN LATERAL (SELECT joined, invited FROM ${schema}.memberships
        WHERE room_id = a.room_id ORDER BY place DESC LIMIT 1) m`;
    this.loadMembers = `SELECT a.room_id, a.user_id, m.membership
      FROM unnest($1::text[], $2::text[]) a(room_id, user_id)
      CROSS JOIN LATERAL (SELECT membership FROM ${schema}.memberships
        WHERE user_id = a.user_id AND room_id = a.room_id ORDER BY place DESC LIMIT 1) m`;
  }

  async apply(records: readonly OpenedRecord[]): Promise<readonly Statement[]> {
    const events = records.flatMap(memberEvents);
    const forgotten = this.forgettings(records);
    if (events.length === 0) return forgotten;
    const counts = await this.countsOf(events);
    const members = await this.membershipsOf(events);
    const rows: Row[] = [];
    for (const event of events) {
      const { key } = event.record;
      const before = members.get(memberKey(event));
      if (before === 'join' && event.membership === 'join') continue;
      const count = counted(counts.get(key) ?? { joined: 0, invited: 0 }, before, event.membership);
      counts.set(key, count);
      members.set(memberKey(event), event.membership);
      rows.push({ ...event, ...count });
    }
    for (const [key, count] of counts) this.rooms.set(key, count);
    for (const [key, membership] of members) this.members.set(key, membership);
    return rows.length === 0 ? forgotten : [this.write(rows), ...forgotten];
  }

  forget(): void {
    this.rooms.clear();
    this.members.clear();
  }

  private async countsOf(events: readonly MemberEvent[]): Promise<Map<string, Counts>> {
    const { found: counts, missing } = known(
      this.rooms,
      events.map(({ record }) => record.key),
    );
    if (missing.length === 0) return counts;
    const values = [textColumn(missing)];
    const rows = await this.context.read<Counts & { room_id: string }>({ text: this.loadRooms, values });
    for (const { room_id, joined, invited } of rows) counts.set(room_id, { joined, invited });
    return counts;
  }

  private async membershipsOf(events: readonly MemberEvent[]): Promise<Map<string, string>> {
    const { found: members, missing } = known(this.members, events.map(memberKey));
    if (missing.length === 0) return members;
    const wanted = new Map(events.map((event) => [memberKey(event), event]));
    const asked = missing.flatMap((key) => wanted.get(key) ?? []);
    const values = [
      textColumn(asked.map(({ record }) => record.key)),
      textColumn(asked.map(({ user_id }) => user_id)),
    ];
    type Found = { room_id: string; user_id: string; membership: string };
    for (const row of await this.context.read<Found>({ text: this.loadMembers, values })) {
      members.set(`${row.room_id} ${row.user_id}`, row.membership);
    }
    return members;
  }

  /** What goes behind the memberships of the batch, since it changes rows that may be among them. */
  private forgettings(records: readonly OpenedRecord[]): readonly Statement[] {
    const found = records.flatMap(({ key, offset, fact }) =>
      fact?.type === 'room_forgotten' ? [{ key, offset, user_id: fact.value.user_id }] : [],
    );
    if (found.length === 0) return [];
    const values = [
      textColumn(found.map(({ user_id }) => user_id)),
      textColumn(found.map(({ key }) => key)),
      int8Column(found.map(({ offset }) => offset)),
    ];
    return [{ text: this.forgotten, values }];
  }

  private write(rows: readonly Row[]): Statement {
    return {
      text: this.insert,
      values: [
        textColumn(rows.map(({ user_id }) => user_id)),
        textColumn(rows.map(({ record }) => record.key)),
        int8Column(rows.map(({ value }) => value.place)),
        int8Column(rows.map(({ record }) => record.offset)),
        int8Column(rows.map(() => this.context.partition)),
        int8Column(rows.map(({ joined }) => joined)),
        int8Column(rows.map(({ invited }) => invited)),
        textColumn(rows.map(({ membership }) => membership)),
        textColumn(rows.map(({ sender }) => sender)),
        textColumn(rows.map(({ value }) => value.event_id)),
      ],
    };
  }
}

function memberEvents(record: OpenedRecord): readonly MemberEvent[] {
  if (record.fact?.type !== 'room_event') return [];
  const { value } = record.fact;
  if (!isLive(value)) return [];
  const { type, state_key, content, sender } = parsedEvent(value).pdu;
  const membership = content['membership'];
  if (type !== 'm.room.member' || state_key === undefined || typeof membership !== 'string') return [];
  return [{ record, value, user_id: state_key, membership, sender }];
}

function memberKey({ record, user_id }: Pick<MemberEvent, 'record' | 'user_id'>): string {
  return `${record.key} ${user_id}`;
}

/** What the cache has, held here too since a large batch may push it out, and what it has not. */
function known<V extends {}>(
  cache: LRUCache<string, V>,
  keys: readonly string[],
): { readonly found: Map<string, V>; readonly missing: readonly string[] } {
  const found = new Map<string, V>();
  const missing: string[] = [];
  for (const key of new Set(keys)) {
    const value = cache.get(key);
    if (value === undefined) missing.push(key);
    else found.set(key, value);
  }
  return { found, missing };
}

function counted({ joined, invited }: Counts, before: string | undefined, after: string): Counts {
  const change = (membership: string) => Number(after === membership) - Number(before === membership);
  return { joined: joined + change('join'), invited: invited + change('invite') };
}
