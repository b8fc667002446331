/** Bytes that a whole profile as JSON must stay below (spec: client-server API, "Profiles"). */
const MAX_BYTES = 65_536;

/** The fields of a profile: how many bytes the JSON of each value has. */
export type FieldSizes = ReadonlyMap<string, number>;

/** A profile without fields. Most users share it. */
export const NO_FIELDS: FieldSizes = new Map();

/** The sizes after a field was set. @param json of its value; null removes the field. */
export function withField(sizes: FieldSizes, field: string, json: string | null): FieldSizes {
  const changed = new Map(sizes);
  if (json === null) changed.delete(field);
  else changed.set(field, Buffer.byteLength(json));
  return changed.size === 0 ? NO_FIELDS : changed;
}

/** Whether it is more than a profile may hold. */
export function isTooLarge(sizes: FieldSizes): boolean {
  // Two braces; of each field a colon, and a comma before all but the first.
  let bytes = sizes.size === 0 ? 2 : 1;
  for (const [field, size] of sizes) bytes += Buffer.byteLength(JSON.stringify(field)) + size + 2;
  return bytes >= MAX_BYTES;
}
