import { readFileSync } from 'node:fs';

/** A documented status that the server has no reason to give. */
export interface NeverAnswered {
  readonly method: string;
  /** The whole path with `{parameters}`. */
  readonly path: string;
  readonly status: number;
  readonly why: string;
}

/** The table of `docs/never-answered.md`. @throws Error for a row that cannot be read. */
export function neverAnswered(): readonly NeverAnswered[] {
  const text = readFileSync(new URL('../../../docs/never-answered.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => {
    const [, method = '', path = '', status, why = ''] =
      /^\| `([A-Z]+) (\/\S+)` \| (\d{3}) \| (\S.*) \|$/.exec(row) ?? [];
    if (method === '') throw new Error(`docs/never-answered.md: cannot be read: ${row}`);
    return { method, path, status: Number(status), why };
  });
}
