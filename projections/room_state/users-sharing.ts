import type { UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';

/** `$1` user, `$2` others: from each of them to the rooms, and whether the user is there. */
const SHARING: ModelSql = (m) => {
  const joined = (alias: string) =>
    `${alias}.type = 'm.room.member' AND ${alias}.value = 'join' AND ${alias}.until_place IS NULL`;
  return `SELECT o.user_id FROM unnest($2::text[]) o(user_id) WHERE EXISTS (
    SELECT FROM ${m('room_state')}.entries t
    JOIN ${m('room_state')}.entries u ON u.room = t.room AND u.state_key = $1 AND ${joined('u')}
    WHERE t.state_key = o.user_id AND ${joined('t')})`;
};

/** Those of `users` who are in a room in which the user is too. */
export async function usersSharing(
  db: ModelDatabase,
  userId: UserId,
  users: readonly UserId[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ readonly user_id: string }>(SHARING, [userId, textColumn(users)]);
  return new Set(rows.map(({ user_id }) => user_id));
}
