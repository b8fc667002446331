import type { UserId } from '../../src/matrix/identifiers.ts';
import { isJsonObject, ownObject } from '../../src/matrix/json.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

/** The type of the account data. */
export const IGNORED_USERS = 'm.ignored_user_list';

const LIST: ModelSql = (m) => `SELECT content FROM ${m('accounts')}.account_data
  WHERE user_id = $1 AND room_id = '' AND type = '${IGNORED_USERS}'`;

/** Whom a user ignores (spec: client-server API, "Ignoring Users"). */
export async function ignoredUsers(db: ModelDatabase, userId: UserId): Promise<readonly string[]> {
  const [row] = await db.query<{ readonly content: string }>(LIST, [userId]);
  return row === undefined ? [] : ignoredIn(row.content, userId);
}

/**
 * Whom a user's account data of that type says is ignored. Oneself never is: one's own messages would be lost on all
 * of one's devices. @param text JSON of an object.
 */
export function ignoredIn(text: string, userId: UserId): readonly string[] {
  const content: unknown = JSON.parse(text);
  // What clients store there is theirs: anything may stand in it.
  const users = isJsonObject(content) ? Object.keys(ownObject(content, 'ignored_users') ?? {}) : [];
  return users.filter((user) => user !== userId);
}
