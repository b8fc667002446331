import type { HostPort, Rate, RateException, SupportContact, TermsDocument } from './config.ts';

/** Turns the texts given for a key into its value, or throws an Error that says what is expected. */
export type Parse<T> = (texts: readonly string[]) => T;

/** Exactly one text. */
function one(texts: readonly string[]): string {
  const [text] = texts;
  if (texts.length !== 1 || text === undefined) throw new Error('expected one value, not a list');
  return text;
}

/** Makes a parser of one text. */
export function single<T>(parse: (text: string) => T): Parse<T> {
  return (texts) => parse(one(texts));
}

/** Text that is not empty. */
export const text: Parse<string> = single((value) => {
  if (value === '') throw new Error('expected a text that is not empty');
  return value;
});

/** A secret that cannot be guessed. */
export const longSecret = single((text) => {
  if (text.length < 16) throw new Error('expected at least 16 characters');
  return text;
});

/** One of some words. */
export function choice<const T extends string>(...words: readonly T[]): Parse<T> {
  return single((value) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw new Error(`expected ${listOf(words)}, not "${value}"`);
    return found;
  });
}

/** A choice of which some words are planned but not built: those are refused with that reason. */
export function builtChoice<const T extends string>(
  words: readonly T[],
  notBuilt: readonly string[],
): Parse<T> {
  const built = choice(...words);
  return (texts) => {
    if (notBuilt.includes(one(texts))) {
      throw new Error(`"${one(texts)}" is not built yet; this version knows ${listOf(words)}`);
    }
    return built(texts);
  };
}

/** "on" or "off". */
export const onOff: Parse<boolean> = (texts) => choice('on', 'off')(texts) === 'on';

/** A whole number between two bounds, both included. */
export function integer(least: number, most: number): Parse<number> {
  return single((value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new Error(`expected a whole number from ${least} to ${most}, not "${value}"`);
    }
    return number;
  });
}

/** A list: in YAML a sequence, in the environment separated by commas. */
export function list<T>(parse: (item: string) => T): Parse<readonly T[]> {
  return (texts) =>
    texts
      .flatMap((part) => part.split(','))
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parse);
}

const unitMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** A rate such as "10/minute". */
export const rate: Parse<Rate> = single((value) => {
  const match = /^(\d{1,9})\/(second|minute|hour|day)$/.exec(value);
  const unit = match?.[2];
  if (match === null || !isUnit(unit) || Number(match[1]) === 0) {
    throw new Error(`expected a rate such as "10/minute" (second, minute, hour, day), not "${value}"`);
  }
  return { count: Number(match[1]), perMs: unitMs[unit] };
});

/** A user with other rates: `@user:server`, or `@user:server=FACTOR`. */
export function rateException(item: string): RateException {
  const match = /^(@[^:\s=]*:[^\s=]+)(?:=(\d{1,6}))?$/.exec(item);
  const [, userId, factor = '0'] = match ?? [];
  if (userId === undefined) {
    throw new Error(`expected "@user:server" or "@user:server=5", not "${item}"`);
  }
  return { userId, factor: Number(factor) };
}

function isUnit(word: string | undefined): word is keyof typeof unitMs {
  return word !== undefined && Object.hasOwn(unitMs, word);
}

/** The base URL under which clients reach the server; a trailing slash is taken off. */
export const httpUrl: Parse<string> = single((value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Error(`expected a URL such as "https://chat.example.org", not "${value}"`);
  }
  return url.href.replace(/\/+$/, '');
});

/** A document of `registration_terms`: policy, version, language, URL and title, with spaces between. */
export function termsDocument(item: string): TermsDocument {
  const match =
    /^([\w.~-]{1,64})\s+([\w.~-]{1,64})\s+([A-Za-z]{2,8}(?:[-_]\w{1,8})*)\s+(https?:\/\/\S+)\s+(\S.*)$/.exec(
      item,
    );
  const [, policy, version, language, url, name] = match ?? [];
  if (policy === undefined || version === undefined || language === undefined || !url || !name) {
    throw new Error(`expected "POLICY VERSION LANGUAGE URL TITLE", not "${item}"`);
  }
  return { policy, version, language, url, name };
}

/** A Postgres URL. It may hold a password, so no message repeats it. */
export const postgresUrl: Parse<string> = single((value) => {
  if (!/^postgres(ql)?:\/\/./.test(value)) {
    throw new Error('expected a URL such as "postgresql://user:password@host:5432/database"');
  }
  return value;
});

/** `host:port`, the host being an address or a name; IPv6 in brackets. */
export const hostPort: Parse<HostPort> = single((value) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new Error(`expected host:port, such as "127.0.0.1:0", not "${value}"`);
  }
  return { host, port };
});

/** `role @user:server address@example.org`: one of the two ways to reach somebody, or both. */
export function supportContact(value: string): SupportContact {
  const [role = '', ...ways] = value.split(/\s+/);
  const matrixId = ways.find((way) => /^@[^:\s]+:.+$/.test(way));
  const email = ways.find((way) => /^[^@\s]+@[^@\s]+$/.test(way));
  const known = [matrixId, email].filter((way) => way !== undefined).length;
  if (!/^[a-z][a-z0-9._-]{0,254}$/.test(role) || known === 0 || ways.length !== known) {
    throw new Error(`expected "m.role.admin @user:server mail@example.org", not "${value}"`);
  }
  return { role, matrixId, email };
}

/** "a, b or c". */
export function listOf(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}
