import type { JsonObject } from '../matrix/json.ts';

/** A copy of `object` without some keys. A key `__proto__` is copied as the content it is. */
export function withoutKeys(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}
