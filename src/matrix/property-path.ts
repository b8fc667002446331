import { isJsonObject, type JsonValue, ownValue } from './json.ts';

/** Dot-separated property paths (spec: appendices, "Dot-separated property paths"). */

/** The names in a path: split at dots; `\.` and `\\` are a dot and a backslash, other escapes stay as they are. */
export function parsePropertyPath(path: string): readonly string[] {
  const names: string[] = [];
  let name = '';
  for (let at = 0; at < path.length; at++) {
    const character = path[at];
    const next = path[at + 1];
    if (character === '.') {
      names.push(name);
      name = '';
    } else if (character === '\\' && (next === '.' || next === '\\')) {
      name += next;
      at += 1;
    } else name += character;
  }
  return [...names, name];
}

/** The value at `path` in `value`, or undefined. Only own properties of objects are followed. */
export function valueAt(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  let current: JsonValue | undefined = value;
  for (const name of path) {
    if (!isJsonObject(current)) return undefined;
    current = ownValue(current, name);
  }
  return current;
}
