import { type RoomRule, type RuledRoom, rulesInRoom } from './push-room-rules.ts';
import { defaultPushRules } from './push-rule-defaults.ts';
import type { PushCondition, PushOutcome, PushRuleset } from './push-rules.ts';
import { type NarrowScan, NO_SCAN, type PushScan, scanOf, widened } from './push-scan.ts';

/**
 * How a user's push rules count the events of one room, without asking the rules about each of them. Counting goes
 * by arithmetic (`notifying.ts`): events that notify by default, where `base` says so, and mentions. Only events
 * that `scan` takes may come to anything else; of those the rules themselves are asked (`evaluate`).
 */
export interface PushPlan {
  /** Nothing in the room notifies, a mention neither. */
  readonly silent: boolean;
  /** Whether what `isNotifying` says of an event holds for this user too. */
  readonly base: boolean;
  readonly scan: PushScan;
  /** Whether it matters how many members the room has. A plan made with the number may need it no more. */
  readonly needsMemberCount: boolean;
  /** Whether it matters how the user is called in the room. */
  readonly needsDisplayName: boolean;
  /** Whether power levels matter, beside that for mentions of the whole room by `m.mentions`. */
  readonly needsLevels: boolean;
}

/** The plan of whoever has changed nothing. */
export const DEFAULT_PLAN: PushPlan = {
  silent: false,
  base: true,
  scan: 'nothing',
  needsMemberCount: false,
  needsDisplayName: false,
  needsLevels: false,
};

const SILENT_PLAN: PushPlan = { ...DEFAULT_PLAN, silent: true, base: false };

/** The types that `isNotifying` counts, but for tombstones, which an override rule sees to. */
const PLAIN_TYPES = ['m.room.message', 'm.room.encrypted', 'm.call.invite'];

/** The plan for a room. */
export function pushPlan(rules: PushRuleset, room: RuledRoom): PushPlan {
  const all = withoutNeutral(rulesInRoom(rules, room));
  if (isSilent(all)) return SILENT_PLAN;
  const underrides = all.filter(({ kind }) => kind === 'underride');
  const last = all.at(-1);
  const always = last !== undefined && last.conditions.length === 0 ? last.outcome : undefined;
  const plain = (type: string) =>
    plainOutcome(underrides, type) ?? always ?? { notify: false, highlight: false };
  const base = plain('m.room.message').notify;
  const asked = (test: (condition: RoomRule['conditions'][number]) => boolean) =>
    all.some(({ conditions }) => conditions.some(test));
  return {
    silent: false,
    base,
    scan: scanFor(all, room, plain, always),
    needsMemberCount: asked(({ kind }) => kind === 'room_member_count'),
    needsDisplayName: asked(({ kind }) => kind === 'contains_display_name'),
    needsLevels: all.some((rule) => !isRoomMention(rule) && rule.conditions.some(asksLevels)),
  };
}

function asksLevels({ kind }: PushCondition): boolean {
  return kind === 'sender_notification_permission';
}

function isRoomMention(rule: RoomRule): boolean {
  return rule.default && rule.rule_id === '.m.rule.is_room_mention';
}

/** Whether the rules notify of nothing, until one that matches everything does so too. */
function isSilent(all: readonly RoomRule[]): boolean {
  return all.every(({ outcome }) => !outcome.notify);
}

/**
 * Which events the rules may see otherwise than arithmetic does: those that match a rule of one's own, or a default
 * rule that was changed, and types that are not treated like messages.
 */
function scanFor(
  all: readonly RoomRule[],
  room: RuledRoom,
  plain: (type: string) => PushOutcome,
  always: PushOutcome | undefined,
): PushScan {
  const { notify: base } = plain('m.room.message');
  // What notifies of everything also notifies of what no default rule knows.
  if (always?.notify === true) return 'everything';
  const cut = all.at(-1);
  if (always !== undefined && cut?.kind === 'override') return 'everything';
  let scan: PushScan = NO_SCAN;
  for (const rule of changedOverrides(all, room)) scan = widened(scan, scanOf(rule.conditions));
  for (const rule of all) {
    const isPlain = rule.kind === 'underride' && plainType(rule) !== undefined;
    if (rule.kind === 'override' || isPlain || rule.conditions.length === 0) continue;
    scan = widened(scan, scanOf(rule.conditions));
  }
  const types = new Set([...PLAIN_TYPES, ...all.flatMap((rule) => plainType(rule) ?? [])]);
  const others = [...types].filter((type) => {
    const { notify, highlight } = plain(type);
    return highlight || notify !== (base && PLAIN_TYPES.includes(type));
  });
  return settled(widened(scan, { ...NO_SCAN, types: others }));
}

/** Override rules that the user has and the server has not, or the other way round, or that act otherwise. */
function changedOverrides(all: readonly RoomRule[], room: RuledRoom): readonly RoomRule[] {
  const isOverride = ({ kind }: RoomRule) => kind === 'override';
  const present = all.filter(isOverride);
  const defaults = rulesInRoom(defaultPushRules(room.userId), room).filter(isOverride);
  const isIn = (list: readonly RoomRule[], rule: RoomRule) =>
    list.some((one) => one.default && rule.default && one.rule_id === rule.rule_id && acts(one, rule));
  return [
    ...present.filter((rule) => !isIn(defaults, rule)),
    ...defaults.filter((rule) => !isIn(present, rule)),
  ];
}

/**
 * Leaves out rules for rooms of a certain size that do what the rule behind them does for all rooms, such as the
 * default rules for rooms of two.
 */
function withoutNeutral(all: readonly RoomRule[]): readonly RoomRule[] {
  return all.filter((rule, index) => {
    const sizes = rule.conditions.filter(({ kind }) => kind === 'room_member_count');
    const rest = rule.conditions.filter(({ kind }) => kind !== 'room_member_count');
    const type = plainType({ ...rule, conditions: rest });
    if (sizes.length === 0 || type === undefined) return true;
    const next = all.slice(index + 1).find(({ conditions }) => !conditions.some((one) => isOther(one, type)));
    return next === undefined || plainType(next) !== type || !acts(rule, next);
  });
}

/** Whether a condition asks for another type. */
function isOther({ kind, key, pattern }: PushCondition, type: string): boolean {
  if (kind !== 'event_match' || key !== 'type' || pattern === undefined) return false;
  return !/[*?]/.test(pattern) && pattern.toLowerCase() !== type;
}

/** The type, in lower case, of a rule that asks for nothing but one type. */
function plainType({ kind, conditions }: RoomRule): string | undefined {
  const [condition] = conditions;
  if (kind !== 'underride' || conditions.length !== 1 || condition?.kind !== 'event_match') return undefined;
  const { key, pattern } = condition;
  return key === 'type' && pattern !== undefined && !/[*?]/.test(pattern) ? pattern.toLowerCase() : undefined;
}

/** What the rules that ask for nothing but a type make of a type. */
function plainOutcome(underrides: readonly RoomRule[], type: string): PushOutcome | undefined {
  return underrides.find((rule) => plainType(rule) === type)?.outcome;
}

function acts(one: RoomRule, other: RoomRule): boolean {
  return one.outcome.notify === other.outcome.notify && one.outcome.highlight === other.outcome.highlight;
}

function settled(scan: PushScan): PushScan {
  return scan === 'everything' || isWide(scan) ? scan : 'nothing';
}

function isWide(scan: PushScan): scan is NarrowScan {
  return (
    typeof scan !== 'string' && (scan.senders.length > 0 || scan.types.length > 0 || scan.texts.length > 0)
  );
}
