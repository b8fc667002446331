import type { UserId } from '../../src/matrix/identifiers.ts';
import { isJsonObject, ownObject } from '../../src/matrix/json.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

const LIST: ModelSql = (m) => `SELECT content FROM ${m('accounts')}.account_data
  WHERE user_id = $1 AND room_id = '' AND type = 'm.ignored_user_list'`;

/** Whom a user ignores (spec: client-server API, "Ignoring Users"). */
export async function ignoredUsers(db: ModelDatabase, userId: UserId): Promise<readonly string[]> {
  const [row] = await db.query<{ readonly content: string }>(LIST, [userId]);
  const content: unknown = row === undefined ? undefined : JSON.parse(row.content);
  // What clients store there is theirs: anything may stand in it.
  return isJsonObject(content) ? Object.keys(ownObject(content, 'ignored_users') ?? {}) : [];
}
