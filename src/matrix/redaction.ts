import { type Pdu, pduJson, type UnsignedPdu } from './event.ts';
import { type EventId, parseEventId } from './identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue, ownObject, ownValue } from './json.ts';
import type { RoomVersion } from './room-versions.ts';

/**
 * The redaction algorithm (spec: client-server API, "Redactions"; room versions, "Redactions"): what of an
 * event is left when its content is taken away. Hashes and signatures are made over this part.
 */

type ContentRule = (content: JsonObject) => JsonObject;

interface RedactionRules {
  readonly eventKeys: readonly string[];
  readonly content: ReadonlyMap<string, ContentRule>;
}

const EVENT_KEYS = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
] as const;

const OLD_EVENT_KEYS = [...EVENT_KEYS, 'prev_state', 'origin', 'membership'] as const;

const POWER_LEVELS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
] as const;

const V6_CONTENT: ReadonlyMap<string, ContentRule> = new Map([
  ['m.room.member', only('membership')],
  ['m.room.create', only('creator')],
  ['m.room.join_rules', only('join_rule')],
  ['m.room.power_levels', only(...POWER_LEVELS)],
  ['m.room.history_visibility', only('history_visibility')],
]);

const V8_CONTENT: ReadonlyMap<string, ContentRule> = new Map([
  ...V6_CONTENT,
  ['m.room.join_rules', only('join_rule', 'allow')],
]);

const RULES: Readonly<Record<RoomVersion['redactionRules'], RedactionRules>> = {
  v1: {
    eventKeys: OLD_EVENT_KEYS,
    content: new Map([...V6_CONTENT, ['m.room.aliases', only('aliases')]]),
  },
  v6: { eventKeys: OLD_EVENT_KEYS, content: V6_CONTENT },
  v8: { eventKeys: OLD_EVENT_KEYS, content: V8_CONTENT },
  v9: {
    eventKeys: OLD_EVENT_KEYS,
    content: new Map([
      ...V8_CONTENT,
      ['m.room.member', only('membership', 'join_authorised_via_users_server')],
    ]),
  },
  v11: {
    eventKeys: EVENT_KEYS,
    content: new Map([
      ['m.room.member', memberV11],
      ['m.room.create', (content) => content],
      ['m.room.join_rules', only('join_rule', 'allow')],
      ['m.room.power_levels', only(...POWER_LEVELS, 'invite')],
      ['m.room.history_visibility', only('history_visibility')],
      ['m.room.redaction', only('redacts')],
    ]),
  },
};

/**
 * What is left of `pdu` after its redaction: a new object; `unsigned` is gone, hashes and signatures stay.
 * Redacting twice changes nothing more, and the event ID stays what it was.
 */
export function redact<P extends Pdu | UnsignedPdu>(pdu: P, version: RoomVersion): P {
  return redactJson(pduJson(pdu), version) as unknown as P; // The keys a PDU must have all survive.
}

/** As `redact`, for events as JSON, whatever other keys they have. */
export function redactJson(event: JsonObject, version: RoomVersion): JsonObject {
  const rules = RULES[version.redactionRules];
  const kept: Record<string, JsonValue> = {};
  for (const key of rules.eventKeys) {
    const value = ownValue(event, key);
    if (value !== undefined) kept[key] = value;
  }
  const content = ownObject(event, 'content');
  if (content !== undefined) {
    const rule = rules.content.get(String(event['type']));
    kept['content'] = rule === undefined ? {} : rule(content);
  }
  return kept;
}

function only(...keys: readonly string[]): ContentRule {
  return (content) => {
    const kept: Record<string, JsonValue> = {};
    for (const key of keys) {
      const value = ownValue(content, key);
      if (value !== undefined) kept[key] = value;
    }
    return kept;
  };
}

/** Of `third_party_invite` the key itself stays, with nothing but `signed` in it. */
function memberV11(content: JsonObject): JsonObject {
  const kept = only('membership', 'join_authorised_via_users_server')(content);
  const invite = ownValue(content, 'third_party_invite');
  return isJsonObject(invite) ? { ...kept, third_party_invite: only('signed')(invite) } : kept;
}

/**
 * The event that an `m.room.redaction` redacts, from the place where this version puts it; undefined for other
 * events and for redactions that name none.
 */
export function redactedEventId(
  pdu: Pick<Pdu, 'type' | 'redacts' | 'content'>,
  version: RoomVersion,
): EventId | undefined {
  if (pdu.type !== 'm.room.redaction') return undefined;
  // The types say what a PDU should be; what came from outside may hold anything there.
  const named: unknown = version.redactsIn === 'event' ? pdu.redacts : ownValue(pdu.content, 'redacts');
  return typeof named === 'string' ? parseEventId(named) : undefined;
}
