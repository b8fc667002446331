import type { UserId } from '../../src/matrix/identifiers.ts';
import { blocksInvites, INVITE_PERMISSION } from '../../src/matrix/invite-permission.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

const PERMISSION: ModelSql = (m) => `SELECT content FROM ${m('accounts')}.account_data
  WHERE user_id = $1 AND room_id = '' AND type = '${INVITE_PERMISSION}'`;

/** Whether a user takes no invitations (spec: client-server API, "Invite permission"). */
export async function readBlocksInvites(db: ModelDatabase, userId: UserId): Promise<boolean> {
  const [row] = await db.query<{ readonly content: string }>(PERMISSION, [userId]);
  return row !== undefined && blocksInvites(row.content);
}
