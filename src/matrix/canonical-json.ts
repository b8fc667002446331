import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * Canonical JSON (spec: appendices, "Canonical JSON"): the one text of a value that is hashed and signed.
 */

/** A value has no canonical form. Nothing that `parseJson(text, 'integers')` read is ever refused. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

/**
 * The canonical text of `value`; its UTF-8 is what is hashed and signed. Keys stand in the order of their
 * code points. Minus zero is written `0`, as the spec's own example has it.
 * @throws CanonicalJsonError on numbers that are no safe integer, on half a surrogate pair, and on what is no
 * JSON (undefined).
 */
export function canonicalJson(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      if (!Number.isSafeInteger(value)) throw new CanonicalJsonError(`no canonical form: number ${value}`);
      return String(value); // String(-0) is '0'.
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return isJsonObject(value) ? canonicalObject(value) : canonicalArray(value);
    default:
      throw new CanonicalJsonError(`no canonical form: ${typeof value}`);
  }
}

function canonicalArray(items: readonly JsonValue[]): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) {
    if (i > 0) text += ',';
    text += canonicalJson(items[i] as JsonValue); // i < length.
  }
  return `${text}]`;
}

function canonicalObject(object: JsonObject): string {
  let text = '{';
  for (const key of sortedKeys(object)) {
    if (text.length > 1) text += ',';
    text += `${quoted(key)}:${canonicalJson(object[key] as JsonValue)}`; // An own key has a value.
  }
  return `${text}}`;
}

function sortedKeys(object: JsonObject): readonly string[] {
  const keys = Object.keys(object);
  for (let i = 1; i < keys.length; i++) {
    // Most objects come sorted, from a canonical text; a look costs a third of a sort.
    if ((keys[i - 1] as string) > (keys[i] as string)) {
      keys.sort();
      break;
    }
  }
  return keys.some(hasSurrogates) ? keys.sort(byCodePoint) : keys;
}

const SURROGATE = /[\ud800-\udfff]/;

function hasSurrogates(text: string): boolean {
  return SURROGATE.test(text);
}

/**
 * JavaScript compares UTF-16 units, which puts U+1F600 (d83d de00) before U+FB01; by code points it comes
 * after. Only surrogates against U+E000…U+FFFF differ, so it is enough to lift surrogates above those.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return lifted(x) - lifted(y);
  }
  return a.length - b.length;
}

function lifted(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what the grammar wants escaped
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new CanonicalJsonError('no canonical form: half a surrogate pair');
  return JSON.stringify(text); // Its escapes are exactly those of the spec's grammar.
}
