import { parsePropertyPath } from './property-path.ts';
import type { PushCondition } from './push-rules.ts';

/** Which events push rules may have to be asked about. Always a superset of those that a rule matches. */
export type PushScan = 'nothing' | 'everything' | NarrowScan;

/** An event is taken when any of these fits. All in lower case. */
export interface NarrowScan {
  readonly senders: readonly string[];
  readonly types: readonly string[];
  /** ASCII. It stands in the content's JSON text, or something is written there with an escape. */
  readonly texts: readonly string[];
}

/** Takes nothing. */
export const NO_SCAN: NarrowScan = { senders: [], types: [], texts: [] };

/** What either takes. */
export function widened(one: PushScan, other: PushScan): PushScan {
  if (one === 'everything' || other === 'everything') return 'everything';
  if (one === 'nothing') return other;
  if (other === 'nothing') return one;
  return {
    senders: [...one.senders, ...other.senders],
    types: [...one.types, ...other.types],
    texts: [...one.texts, ...other.texts],
  };
}

/** Events among which are all that fulfil the conditions: those of the condition that tells most. */
export function scanOf(conditions: readonly PushCondition[]): PushScan {
  let texts: string | undefined;
  for (const condition of conditions) {
    const whole = wholeValue(condition);
    if (whole !== undefined && condition.key === 'type') return { ...NO_SCAN, types: [whole] };
    if (whole !== undefined && condition.key === 'sender') return { ...NO_SCAN, senders: [whole] };
    for (const text of textsOf(condition)) if (text.length > (texts?.length ?? 0)) texts = text;
  }
  return texts === undefined ? 'everything' : { ...NO_SCAN, texts: [texts] };
}

/** Whether a scan takes an event. @param content JSON text. */
export function scanTakes(
  scan: PushScan,
  event: { readonly type: string; readonly sender: string; readonly content: string },
): boolean {
  if (typeof scan === 'string') return scan === 'everything';
  const { senders, types, texts } = scan;
  if (senders.includes(event.sender.toLowerCase()) || types.includes(event.type.toLowerCase())) return true;
  if (texts.length === 0) return false;
  const content = event.content.toLowerCase();
  return event.content.includes('\\') || texts.some((text) => content.includes(text));
}

/** The value that a property must have, in lower case; undefined where it may have many. */
function wholeValue({ kind, pattern, value }: PushCondition): string | undefined {
  if (kind === 'event_property_is' && typeof value === 'string') return value.toLowerCase();
  if (kind !== 'event_match' || pattern === undefined || /[*?]/.test(pattern)) return undefined;
  return pattern.toLowerCase();
}

/** Texts that must all stand in the content where the condition holds: its words, or where it has none, the key's. */
function textsOf({ kind, key, pattern, value }: PushCondition): readonly string[] {
  const isMatch = ['event_match', 'event_property_is', 'event_property_contains'].includes(kind);
  const [top, ...names] = key === undefined ? [] : parsePropertyPath(key);
  if (!isMatch || top !== 'content') return [];
  const words = plainTexts(kind === 'event_match' ? (pattern ?? '').split(/[*?]/) : [value]);
  return words.length > 0 ? words : plainTexts(names);
}

/** In lower case; without those that have letters whose cases Postgres and JavaScript see differently. */
function plainTexts(texts: readonly unknown[]): readonly string[] {
  return texts.flatMap((text) =>
    typeof text === 'string' && /^[\x20-\x7e]+$/.test(text) ? [text.toLowerCase()] : [],
  );
}
