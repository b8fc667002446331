import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { GivenValue, Source } from './given.ts';
import { keys } from './keys.ts';

const known: ReadonlyMap<string, { readonly secret: boolean }> = new Map(
  Object.values(keys).map((key) => [key.name, { secret: key.secret === true }]),
);

/**
 * Reads the configuration's YAML text.
 * @param file its path, for messages only.
 */
export function readYaml(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const problems = document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`);
  const values = new Map<string, GivenValue>();
  const top = document.contents;
  if (problems.length === 0 && isMap(top)) {
    for (const pair of top.items) takePair(pair, at, values, problems);
  } else if (problems.length === 0 && top !== null && !(isScalar(top) && top.value === null)) {
    problems.push(`${at(top.range?.[0])}: expected "key: value" lines`);
  }
  return { values, problems };
}

type At = (offset: number | undefined) => string;

function takePair(pair: Pair, at: At, values: Map<string, GivenValue>, problems: string[]): void {
  // The cast: a parsed document's keys and values are nodes or null, never plain values.
  const [key, value] = [pair.key as Node | null, pair.value as Node | null];
  const name = isScalar(key) ? String(key.value) : '';
  const where = `${at(value?.range?.[0] ?? key?.range?.[0])}: ${name}`;
  if (!isKnown(name)) {
    problems.push(`${at(key?.range?.[0])}: ${name || '?'}: there is no such key${suggestion(name)}`);
    return;
  }
  const texts = textsOf(value);
  if (texts === undefined) problems.push(`${where}: expected a value or a list of values`);
  else if (texts !== 'absent') values.set(name, { texts, where });
}

/** The texts as written, so that `12`, `"12"` and the environment's 12 are one. `absent`: the key has no value. */
function textsOf(value: Node | null): readonly string[] | 'absent' | undefined {
  if (value === null) return 'absent';
  if (isScalar(value)) return value.value === null ? 'absent' : [scalarText(value)];
  if (!isSeq(value)) return undefined;
  const texts: string[] = [];
  for (const item of value.items) {
    if (!isScalar(item) || item.value === null) return undefined;
    texts.push(scalarText(item));
  }
  return texts;
}

function scalarText(scalar: { readonly value: unknown; readonly source?: string }): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}

function isKnown(name: string): boolean {
  if (known.has(name)) return true;
  return name.endsWith('_file') && known.get(name.slice(0, -'_file'.length))?.secret === true;
}

function suggestion(name: string): string {
  const close = [...known.keys()].find((other) => distance(name, other) <= 2);
  return close === undefined ? '' : `; did you mean "${close}"?`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, x] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, y] of [...b].entries()) {
      const [up = 0, diagonal = 0, left = 0] = [row[j + 1], row[j], next[j]];
      next.push(Math.min(up + 1, left + 1, diagonal + (x === y ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
