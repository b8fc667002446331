import { isShownInRooms } from '../../src/matrix/profile-fields.ts';
import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Statement } from '../framework/model.ts';
import { DeviceChanges } from './devices.ts';
import { textOf } from './sealed-text.ts';

interface NewUser {
  readonly user_id: string;
  readonly kind: string;
  readonly admin: boolean;
  readonly password_hash: string | null;
  readonly created_at: number;
  readonly log_offset: number;
}

/** What a batch comes to: the last word about every user, device and field. */
class Changes {
  readonly registered: NewUser[] = [];
  readonly upgraded = new Set<string>();
  readonly passwords = new Map<string, string | null>();
  /** By user: when, milliseconds since the epoch. */
  readonly deactivated = new Map<string, number>();
  readonly closed = new Set<string>();
  readonly locked = new Map<string, boolean>();
  readonly suspended = new Map<string, boolean>();
  readonly erased = new Set<string>();
  readonly devices = new DeviceChanges();
  /** Where fields that rooms show were last changed, by user and field. */
  readonly shown = new Map<string, Map<string, number>>();
  /** By user and field; null: removed. */
  readonly fields = new Map<string, Map<string, string | null>>();

  field(userId: string, field: string, value: string | null): void {
    of(this.fields, userId).set(field, value);
  }
}

/** The writes for records of `users`. */
export function userStatements(
  schema: string,
  partition: number,
  records: readonly OpenedRecord[],
): readonly Statement[] {
  const changes = new Changes();
  for (const record of records) {
    take(changes, record);
    changes.devices.take(record);
  }
  return [
    ...userWrites(schema, changes),
    ...restrictionWrites(schema, changes),
    ...changes.devices.statements(schema),
    ...profileWrites(schema, changes),
    ...shownWrites(schema, partition, changes),
  ];
}

function take(changes: Changes, { key, fact, at, offset }: OpenedRecord): void {
  switch (fact?.type) {
    case 'user_registered': {
      const { kind, admin, sealed } = fact.value;
      const password_hash = textOf(sealed, 'password_hash');
      changes.registered.push({
        user_id: key,
        kind,
        admin,
        password_hash,
        created_at: at,
        log_offset: offset,
      });
      return;
    }
    case 'guest_upgraded':
      changes.upgraded.add(key);
      changes.passwords.set(key, textOf(fact.value.sealed, 'password_hash'));
      return;
    case 'password_changed':
      changes.passwords.set(key, textOf(fact.value.sealed, 'password_hash'));
      return;
    case 'user_deactivated':
      changes.deactivated.set(key, at);
      changes.devices.clear(key);
      if (!fact.value.erase) return;
      changes.erased.add(key);
      changes.fields.delete(key);
      return;
    case 'account_closed':
      changes.closed.add(key);
      return;
    case 'user_locked':
      changes.locked.set(key, fact.value.locked);
      return;
    case 'user_suspended':
      changes.suspended.set(key, fact.value.suspended);
      return;
    case 'profile_changed':
      changes.field(key, fact.value.field, fact.value.sealed);
      if (isShownInRooms(fact.value.field)) of(changes.shown, key).set(fact.value.field, offset);
      return;
    default:
      return;
  }
}

function userWrites(
  schema: string,
  { registered, upgraded, passwords, deactivated, closed, erased }: Changes,
): Statement[] {
  const made: Statement[] = [];
  if (registered.length > 0) {
    made.push({
      text: `INSERT INTO ${schema}.users
        SELECT user_id, kind, admin, false, false, NULL::int8, false, false, false, password_hash, created_at, log_offset
        FROM unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::int8[], $6::int8[])
          u(user_id, kind, admin, password_hash, created_at, log_offset)`,
      values: [
        textColumn(registered.map((row) => row.user_id)),
        textColumn(registered.map((row) => row.kind)),
        boolColumn(registered.map((row) => row.admin)),
        textColumn(registered.map((row) => row.password_hash)),
        int8Column(registered.map((row) => row.created_at)),
        int8Column(registered.map((row) => row.log_offset)),
      ],
    });
  }
  if (upgraded.size > 0) {
    made.push({
      text: `UPDATE ${schema}.users SET kind = 'user' WHERE user_id = ANY ($1::text[])`,
      values: [textColumn([...upgraded])],
    });
  }
  if (passwords.size > 0) {
    made.push({
      text: `UPDATE ${schema}.users u SET password_hash = p.hash
        FROM unnest($1::text[], $2::text[]) p(user_id, hash) WHERE u.user_id = p.user_id`,
      values: [textColumn([...passwords.keys()]), textColumn([...passwords.values()])],
    });
  }
  made.push(...closingWrites(schema, { deactivated, closed, erased }));
  return made;
}

function closingWrites(
  schema: string,
  { deactivated, closed, erased }: Pick<Changes, 'deactivated' | 'closed' | 'erased'>,
): Statement[] {
  const made: Statement[] = [];
  const where = 'WHERE user_id = ANY ($1::text[])';
  if (deactivated.size > 0) {
    const users = textColumn([...deactivated.keys()]);
    made.push({
      text: `UPDATE ${schema}.users u SET deactivated = true, deactivated_at = d.at, password_hash = NULL
        FROM unnest($1::text[], $2::int8[]) d(user_id, at) WHERE u.user_id = d.user_id`,
      values: [users, int8Column([...deactivated.values()])],
    });
    made.push({ text: `DELETE FROM ${schema}.devices ${where}`, values: [users] });
    made.push({ text: `DELETE FROM ${schema}.tokens ${where}`, values: [users] });
  }
  if (erased.size > 0) {
    const values = [textColumn([...erased])];
    made.push({ text: `UPDATE ${schema}.users SET erased = true ${where}`, values });
    made.push({ text: `DELETE FROM ${schema}.profiles ${where}`, values });
  }
  if (closed.size > 0) {
    const values = [textColumn([...closed])];
    made.push({ text: `UPDATE ${schema}.users SET closed = true ${where}`, values });
  }
  return made;
}

function restrictionWrites(schema: string, { locked, suspended }: Changes): Statement[] {
  const columns = [
    ['locked', locked],
    ['suspended', suspended],
  ] as const;
  return columns.flatMap(([column, changed]) =>
    changed.size === 0
      ? []
      : {
          text: `UPDATE ${schema}.users u SET ${column} = r.applied
            FROM unnest($1::text[], $2::bool[]) r(user_id, applied) WHERE u.user_id = r.user_id`,
          values: [textColumn([...changed.keys()]), boolColumn([...changed.values()])],
        },
  );
}

function profileWrites(schema: string, { fields }: Changes): Statement[] {
  const made: Statement[] = [];
  const all = entriesOf(fields);
  const gone = all.filter(([, , value]) => value === null);
  if (gone.length > 0) {
    made.push({
      text: `DELETE FROM ${schema}.profiles p USING unnest($1::text[], $2::text[]) g(user_id, field)
        WHERE p.user_id = g.user_id AND p.field = g.field`,
      values: [textColumn(gone.map(([userId]) => userId)), textColumn(gone.map(([, field]) => field))],
    });
  }
  const set = all.filter(([, , value]) => value !== null);
  if (set.length > 0) {
    made.push({
      text: `INSERT INTO ${schema}.profiles SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (user_id, field) DO UPDATE SET value = EXCLUDED.value`,
      values: [
        textColumn(set.map(([userId]) => userId)),
        textColumn(set.map(([, field]) => field)),
        textColumn(set.map(([, , value]) => value)),
      ],
    });
  }
  return made;
}

function shownWrites(schema: string, partition: number, { shown }: Changes): Statement[] {
  const all = entriesOf(shown);
  if (all.length === 0) return [];
  return [
    {
      text: `INSERT INTO ${schema}.shown_changes SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[])
        ON CONFLICT (user_id, field) DO UPDATE SET log_offset = EXCLUDED.log_offset`,
      values: [
        textColumn(all.map(([userId]) => userId)),
        textColumn(all.map(([, field]) => field)),
        int8Column(all.map(([, , offset]) => offset)),
        int8Column(all.map(() => partition)),
      ],
    },
  ];
}

function of<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = new Map<string, V>();
  map.set(key, made);
  return made;
}

function entriesOf<V>(map: Map<string, Map<string, V>>): [string, string, V][] {
  return [...map].flatMap(([outer, inner]) =>
    [...inner].map(([key, value]): [string, string, V] => [outer, key, value]),
  );
}
