import { serverOf, type UserId } from './identifiers.ts';
import type { PowerLevels } from './power-levels.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * Whether an accepted `m.room.redaction` takes the content of its target away, once both are known (spec: room
 * version 3, "Handling redactions"). Versions 1 and 2 have settled that in their auth rules. Until it applies, a
 * redaction is kept from clients.
 * @param levels those that hold at the redaction.
 */
export function redactionApplies(
  version: RoomVersion,
  redaction: { readonly sender: UserId },
  target: { readonly sender: UserId },
  levels: PowerLevels,
): boolean {
  if (version.redactionsJudged === 'by-auth-rules') return true;
  return (
    levels.of(redaction.sender) >= levels.redact || serverOf(redaction.sender) === serverOf(target.sender)
  );
}
