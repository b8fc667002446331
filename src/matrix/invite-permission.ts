import { isJsonObject, ownString } from './json.ts';

/** The type of the account data (spec: client-server API, "Invite permission"). */
export const INVITE_PERMISSION = 'm.invite_permission_config';

/**
 * Whether account data of that type says that its user takes no invitations. What is missing, or is something that
 * the spec does not know, blocks nothing. @param text JSON of an object.
 */
export function blocksInvites(text: string): boolean {
  const content: unknown = JSON.parse(text);
  return isJsonObject(content) && ownString(content, 'default_action') === 'block';
}
