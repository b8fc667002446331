/**
 * JSON as values. Readonly throughout: an event's content never changes once it has been parsed.
 */

/** Any JSON value. Numbers are IEEE doubles; `strict-json.ts` says which of them an event may hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. Keys are own properties, `__proto__` included. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** True when `value` is a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The value under `key`, or undefined when the object has no such key of its own. Use this wherever the key
 * comes from outside (an event type, a user ID): `object['constructor']` would find JavaScript's own.
 */
export function ownValue(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The string under `key`, or undefined when there is none or it is of another type. */
export function ownString(object: JsonObject, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === 'string' ? value : undefined;
}

/** The object under `key`, or undefined when there is none or it is of another type. */
export function ownObject(object: JsonObject, key: string): JsonObject | undefined {
  const value = ownValue(object, key);
  return isJsonObject(value) ? value : undefined;
}

/** A copy of `object` without `keys`. A key `__proto__` is copied as the content it is. */
export function withoutKeys(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}
