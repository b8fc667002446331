/**
 * One pass over a JSON text that notes what JSON.parse changes in silence. It does not judge the syntax:
 * on a text that is no JSON its answer means nothing, and JSON.parse will say so.
 */

/** What stood in the text and where (UTF-16 units). */
export interface JsonFault {
  readonly reason: 'not_integer' | 'out_of_range' | 'lone_surrogate' | 'too_deep';
  readonly position: number;
}

/** The members (key and value) of all objects in the text, and the first fault. */
export interface JsonScan {
  readonly members: number;
  readonly fault: JsonFault | undefined;
}

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Scans `text`. Stops at once when it is deeper than `maxDepth`, else reads on to count the members. */
export function scanJson(text: string, numbers: 'integers' | 'any', maxDepth: number): JsonScan {
  let fault = text.isWellFormed() ? undefined : rawLoneSurrogate(text);
  let members = 0;
  let depth = 0;
  let backslash = text.indexOf('\\');
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      // Strings without escapes are left by one indexOf: a third of the time of looking at each unit.
      const end = text.indexOf('"', at + 1);
      if (end < 0) break;
      if (backslash >= 0 && backslash < at) backslash = text.indexOf('\\', at);
      if (backslash >= 0 && backslash < end) {
        const escaped = scanEscapes(text, backslash);
        fault ??= escaped.fault;
        at = escaped.end;
      } else at = end + 1;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = numberEnd(text, at);
      fault ??= numberFault(text.slice(at, end), at, numbers);
      at = end;
    } else {
      at += 1;
      if (code === COLON) members += 1;
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
      else if ((code === OPEN_BRACE || code === OPEN_BRACKET) && ++depth > maxDepth) {
        return { members, fault: { reason: 'too_deep', position: at - 1 } };
      }
    }
  }
  return { members, fault };
}

/** From the first backslash of a string to behind its closing quote, looking at every escape. */
function scanEscapes(text: string, firstBackslash: number): { end: number; fault: JsonFault | undefined } {
  let fault: JsonFault | undefined;
  let at = firstBackslash;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return { end: at + 1, fault };
    if (code !== BACKSLASH) at += 1;
    else if (text.charCodeAt(at + 1) !== LOWER_U) at += 2;
    else {
      const unit = escapedUnit(text, at);
      const isPair = isHighSurrogate(unit) && isLowSurrogate(escapedUnit(text, at + 6));
      if (!isPair && (isHighSurrogate(unit) || isLowSurrogate(unit))) {
        fault ??= { reason: 'lone_surrogate', position: at };
      }
      at += isPair ? 12 : 6;
    }
  }
  return { end: at, fault };
}

/** The UTF-16 unit that `\uXXXX` at `at` stands for, or NaN when no such escape is there. */
function escapedUnit(text: string, at: number): number {
  const isEscape = text.charCodeAt(at) === BACKSLASH && text.charCodeAt(at + 1) === LOWER_U;
  return isEscape ? Number.parseInt(text.slice(at + 2, at + 6), 16) : Number.NaN;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function rawLoneSurrogate(text: string): JsonFault {
  const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(text);
  return { reason: 'lone_surrogate', position: lone?.index ?? 0 };
}

function numberEnd(text: string, from: number): number {
  let at = from + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isDigit = code >= ZERO && code <= NINE;
    // + - . E e: whatever else is wrong with such a token, JSON.parse finds.
    if (!isDigit && code !== 0x2b && code !== MINUS && code !== 0x2e && code !== 0x45 && code !== 0x65) break;
  }
  return at;
}

function numberFault(token: string, position: number, numbers: 'integers' | 'any'): JsonFault | undefined {
  if (numbers === 'any') {
    return Number.isFinite(Number(token)) ? undefined : { reason: 'out_of_range', position };
  }
  if (token === '-0' || !/^-?\d+$/.test(token)) return { reason: 'not_integer', position };
  // Up to 15 digits always fit; 2^53 itself is read as a double exactly and is not safe, nor what lies beyond.
  if (token.length <= 15 || Number.isSafeInteger(Number(token))) return undefined;
  return { reason: 'out_of_range', position };
}
