/**
 * Glob patterns (spec: appendices, "Glob-style matching"), matched without regard to case. Patterns come from
 * users and texts from anybody, so this does not go through a regular expression, which a pattern like
 * `*a*a*a*b` makes cubic and worse: it follows all places in the pattern at once, pattern × text at most.
 */

const ANY_RUN = 0;
const ANY_ONE = 1;
type Token = typeof ANY_RUN | typeof ANY_ONE | string;

/** True when the pattern matches all of `text`. */
export function globMatches(pattern: string, text: string): boolean {
  const lowered = pattern.toLowerCase();
  if (!/[*?]/.test(lowered)) return lowered === text.toLowerCase();
  const characters = [...text.toLowerCase()];
  return run(
    tokensOf(lowered),
    characters,
    (at) => at === 0,
    (at) => at === characters.length,
  );
}

/**
 * True when the pattern matches a part of `text` that starts and ends at a word boundary: the ends of the
 * text, and next to anything but `A-Z`, `a-z`, `0-9` and `_`.
 */
export function globMatchesWords(pattern: string, text: string): boolean {
  return matchesWords(tokensOf(pattern.toLowerCase()), text);
}

/** As `globMatchesWords` for the very text `words`, in which `*` and `?` mean themselves. */
export function containsWords(words: string, text: string): boolean {
  return words !== '' && matchesWords([...words.toLowerCase()], text);
}

function tokensOf(pattern: string): readonly Token[] {
  return Array.from(pattern, (character) => {
    if (character === '*') return ANY_RUN;
    return character === '?' ? ANY_ONE : character;
  });
}

function matchesWords(tokens: readonly Token[], text: string): boolean {
  const characters = [...text.toLowerCase()];
  const isFree = (at: number): boolean => {
    const character = characters[at];
    return character === undefined || !/[a-z0-9_]/.test(character);
  };
  return run(
    tokens,
    characters,
    (at) => isFree(at - 1),
    (at) => isFree(at),
  );
}

/** True when the tokens match from some place where they may start to some place where they may end. */
function run(
  tokens: readonly Token[],
  characters: readonly string[],
  mayStart: (at: number) => boolean,
  mayEnd: (at: number) => boolean,
): boolean {
  let places = new Set<number>();
  for (let at = 0; at <= characters.length; at++) {
    if (mayStart(at)) places.add(0);
    skipRuns(tokens, places);
    if (places.has(tokens.length) && mayEnd(at)) return true;
    places = advance(tokens, places, characters[at]);
  }
  return false;
}

/** A `*` may match nothing: where one stands, what follows it may stand too. */
function skipRuns(tokens: readonly Token[], places: Set<number>): void {
  for (const place of places) {
    if (tokens[place] === ANY_RUN) places.add(place + 1); // Sets are walked in order of addition: added ones too.
  }
}

function advance(tokens: readonly Token[], places: ReadonlySet<number>, character?: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    const token = tokens[place];
    if (token === ANY_RUN) next.add(place);
    else if (token !== undefined && (token === ANY_ONE || token === character)) next.add(place + 1);
  }
  return next;
}
