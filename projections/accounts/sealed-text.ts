/** A text of a record's sealed JSON; null where it was erased or is not there. */
export function textOf(sealed: string | null, name: string): string | null {
  const value: unknown = sealed === null ? null : Reflect.get(JSON.parse(sealed), name);
  return typeof value === 'string' ? value : null;
}
