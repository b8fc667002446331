import { containsWords, globMatches, globMatchesWords } from './glob.ts';
import { type JsonObject, type JsonValue, ownString } from './json.ts';
import { parsePropertyPath, valueAt } from './property-path.ts';
import type { PushCondition, PushContext, PushEvent } from './push-rules.ts';

/** The conditions of push rules (spec: client-server API, "Push rules: Conditions"). */

/** True when the condition holds. One that is not known, or lacks what it needs, never does. */
export function holds(condition: PushCondition, event: PushEvent, context: PushContext): boolean {
  const { key, pattern, value, is } = condition;
  switch (condition.kind) {
    case 'event_match':
      return key !== undefined && pattern !== undefined && isMatch(key, pattern, event);
    case 'event_property_is':
      return key !== undefined && isSimple(value) && propertyOf(event, key) === value;
    case 'event_property_contains': {
      const property = key === undefined ? undefined : propertyOf(event, key);
      return isSimple(value) && Array.isArray(property) && property.includes(value);
    }
    case 'contains_display_name':
      return containsWords(context.displayName ?? '', ownString(event.content, 'body') ?? '');
    case 'room_member_count':
      return isCount(is ?? '', context.memberCount);
    case 'sender_notification_permission':
      return key !== undefined && context.levels.of(event.sender) >= context.levels.notification(key);
    default:
      return false;
  }
}

function isMatch(key: string, pattern: string, event: PushEvent): boolean {
  const property = propertyOf(event, key);
  if (typeof property !== 'string') return false;
  return key === 'content.body' ? globMatchesWords(pattern, property) : globMatches(pattern, property);
}

function propertyOf(event: PushEvent, key: string): JsonValue | undefined {
  // Every property of the event is JSON; an interface only lacks the index signature that would say so.
  return valueAt(event as unknown as JsonObject, parsePropertyPath(key));
}

/** What can be compared: strings, integers, booleans and null. */
function isSimple(value: JsonValue | undefined): value is string | number | boolean | null {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** Whether a number of members is as `room_member_count` says. */
export function isCount(is: string, count: number): boolean {
  const [, comparison, digits] = /^(==|<=|>=|<|>)?(\d+)$/.exec(is) ?? [];
  if (digits === undefined) return false;
  const number = Number(digits);
  switch (comparison) {
    case '<':
      return count < number;
    case '>':
      return count > number;
    case '<=':
      return count <= number;
    case '>=':
      return count >= number;
    default:
      return count === number;
  }
}
