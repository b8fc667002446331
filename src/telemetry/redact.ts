/** What stands in place of what must not be logged. */
export const removed = '[removed]';

/** Names of fields that hold secrets or people's words, whatever object they stand in. */
const unspeakable =
  /^(authorization|cookie|set-cookie|content|body|mac|nonce|detail|query|parameters|auth)$|token|password|secret|passphrase/i;

/** Deeper than this nothing is logged: what is nested so far is data, not a fact about the server. */
const deepest = 5;

/** A copy without secrets and content. Plain objects and lists are walked; what has another class becomes text. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutQueryToken(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorFacts(value, depth);
  if (depth >= deepest) return removed;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (!isPlain(value)) return `[${value.constructor.name}]`;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      unspeakable.test(name) && typeof field !== 'boolean' ? removed : redact(field, depth + 1),
    ]),
  );
}

/** URLs, whole or in a sentence, keep their path and lose the token that older clients put into the query. */
function withoutQueryToken(text: string): string {
  return text.replaceAll(/([?&](?:access_token|user_id|password)=)[^&\s"']*/gi, `$1${removed}`);
}

/**
 * An error's facts. Only fields known to be harmless: a database error's `detail` and `where`, and a parser's
 * excerpt, hold what people wrote.
 */
function errorFacts(error: Error, depth: number): Readonly<Record<string, unknown>> {
  const code: unknown = Reflect.get(error, 'code');
  const facts: unknown = Reflect.get(Reflect.get(error, 'facts') ?? {}, 'log');
  return {
    type: error.name,
    message: withoutQueryToken(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(facts === undefined ? {} : { facts: redact(facts, depth + 1) }),
    stack: error.stack === undefined ? undefined : withoutQueryToken(error.stack),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
