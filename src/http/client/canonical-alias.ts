import { MilenaError } from '../../errors/milena-error.ts';
import { parseRoomAlias, type RoomId } from '../../matrix/identifiers.ts';
import { type JsonObject, ownValue } from '../../matrix/json.ts';
import type { ClientContext } from '../context.ts';
import { stateContent } from './state-content.ts';

/**
 * Checks a new `m.room.canonical_alias`: aliases that it did not have before must be well formed and point to
 * this room (spec: client-server API, `PUT state`, 400).
 * @throws MilenaError INVALID_PARAM, BAD_ALIAS
 */
export async function requireOwnAliases(
  context: ClientContext,
  roomId: RoomId,
  content: JsonObject,
): Promise<void> {
  const wanted = aliasesIn(content);
  if (wanted.length === 0) return;
  await context.freshness.room(roomId);
  const present = aliasesIn((await stateContent(context, roomId, 'm.room.canonical_alias')) ?? {});
  for (const text of wanted) {
    if (present.includes(text)) continue;
    const alias = typeof text === 'string' ? parseRoomAlias(text) : undefined;
    if (alias === undefined)
      throw new MilenaError('INVALID_PARAM', 'The event names something that is no alias.');
    await context.freshness.resource(alias);
    const entry = await context.freshness.orLater('server', alias, () =>
      context.reads.directory.alias(alias),
    );
    if (entry?.room_id !== roomId) throw new MilenaError('BAD_ALIAS');
  }
}

function aliasesIn(content: JsonObject): readonly unknown[] {
  const alias = ownValue(content, 'alias');
  const others = ownValue(content, 'alt_aliases');
  const named = alias === undefined || alias === null || alias === '' ? [] : [alias];
  if (others === undefined || others === null) return named;
  // What is no list counts as one alias, and as none that is well formed.
  return [...named, ...(Array.isArray(others) ? others : [others])];
}
