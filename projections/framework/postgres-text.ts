import pg from 'pg';

/**
 * How values cross between Postgres and JavaScript.
 *
 * No Postgres text can hold U+0000, but a state key can. It is stored as U+10FFFF (a noncharacter) and `0`; a
 * U+10FFFF of the event's own as U+10FFFF and `1`. So every text comes back as it was, and none is refused.
 */

const MARK = '\u{10ffff}';

/** A text as Postgres can hold it. */
export function toPostgresText(text: string): string {
  if (!text.includes('\0') && !text.includes(MARK)) return text;
  return text.replaceAll(MARK, `${MARK}1`).replaceAll('\0', `${MARK}0`);
}

/** The text that `toPostgresText` was given. */
export function fromPostgresText(text: string): string {
  if (!text.includes(MARK)) return text;
  return text.replaceAll(`${MARK}0`, '\0').replaceAll(`${MARK}1`, MARK);
}

const INT8 = 20;
const TEXT = 25;

/** Parsers of a pool: `int8` as a number (all of ours are safe integers), `text` without its escapes. */
export const postgresTypes: pg.CustomTypesConfig = {
  // The overloads of pg's own function cannot be expressed by one signature.
  getTypeParser: ((oid: number, format: 'text' | 'binary') => {
    if (format !== 'binary' && oid === INT8) return Number;
    if (format !== 'binary' && oid === TEXT) return fromPostgresText;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};
