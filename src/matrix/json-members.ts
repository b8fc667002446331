import type { JsonValue } from './json.ts';

/**
 * The members of JSON objects, counted in values and found in texts. A text has more members than the value
 * JSON.parse makes of it exactly when some object in it repeats a key.
 */

/** The members of all objects in `value`, own keys only. */
export function ownMemberCount(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  // Array.isArray does not narrow readonly arrays, so objects are told by what is left.
  const children: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  if (!Array.isArray(value)) count = children.length;
  for (const child of children) {
    if (typeof child === 'object' && child !== null) count += ownMemberCount(child);
  }
  return count;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs;

/**
 * Where the first key stands that its object already has, in a text that is known to be JSON; -1 when no key
 * is repeated. Slow (it keeps every key): only for the error message.
 */
export function repeatedKeyPosition(text: string): number {
  const open: (Set<string> | undefined)[] = [];
  let lastString = { text: '', position: -1 };
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = String(JSON.parse(lastString.text));
      const keys = open.at(-1);
      if (keys?.has(key)) return lastString.position;
      keys?.add(key);
    } else if (token !== ',') lastString = { text: token, position: match.index };
  }
  return -1;
}
