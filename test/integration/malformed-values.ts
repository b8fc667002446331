import fc from 'fast-check';
import type { ServedRoute } from './served-routes.ts';

/** Texts that are no JSON. */
export const notJson: fc.Arbitrary<string> = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !isJson(text)),
  fc
    .jsonValue()
    .map((value) => JSON.stringify(value))
    .chain((text) => fc.nat(Math.max(0, text.length - 1)).map((at) => text.slice(0, at)))
    .filter((text) => text !== '' && !isJson(text)),
  fc.constantFrom(
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    'NaN',
    '{"a":undefined}',
    '\ufeff{',
    '{"a":1}{',
    '01',
    '{"a":"\n"}',
  ),
);

/** Bodies that no JSON parser may take, as bytes. */
export const notUtf8: fc.Arbitrary<Buffer> = fc
  .constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0xaf])
  .map((bytes) => Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]));

/** JSON that is no object. */
export const notObject: fc.Arbitrary<string> = fc
  .jsonValue()
  .filter((value) => typeof value !== 'object' || value === null || Array.isArray(value))
  .map((value) => JSON.stringify(value));

/** Objects that event content may not be: floats, numbers out of range, half surrogates, too deep. */
export const notCanonical: fc.Arbitrary<string> = fc.oneof(
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((number) => !Number.isSafeInteger(number) && !Object.is(number, -0))
    .map((number) => `{"n":${JSON.stringify(number)}}`)
    .filter((text) => !/[:[]-?\d+[,}]/.test(text)),
  fc.constantFrom('{"n":1e400}', '{"n":9007199254740993}', '{"a":["\\ud800"]}', '{"\\udfff":1}'),
  fc.integer({ min: 3000, max: 20_000 }).map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  fc.integer({ min: 3000, max: 8000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
);

const values: Readonly<Record<string, readonly unknown[]>> = {
  string: ['text'],
  boolean: [true],
  integer: [5],
  object: [{}],
  array: [[]],
  null: [null],
  userId: ['nobody', '@', '@:', 'a:b', '@a', `@${'x'.repeat(300)}:localhost`, '@a:b:c:d', '\u0000'],
};

/** A body in which one property has a type that the spec does not allow. */
export function wrongType(route: ServedRoute): fc.Arbitrary<string> | undefined {
  const properties = Object.entries(route.body ?? {});
  if (properties.length === 0) return undefined;
  return fc.constantFrom(...properties).chain(([name, kind]) => {
    const allowed = kind === 'userId' ? 'string' : kind;
    const wrong = Object.entries(values)
      .filter(([other]) => other !== allowed && other !== 'userId' && other !== 'null')
      .flatMap(([, list]) => list);
    const more = kind === 'userId' ? (values['userId'] ?? []) : [];
    return fc.constantFrom(...wrong, ...more).map((value) => JSON.stringify({ [name]: value }));
  });
}

/** What a path parameter can't be: broken percent-encoding everywhere, and what has not the sigil of an ID. */
export function wrongParameter(name: string): fc.Arbitrary<string> {
  const broken = fc.constantFrom('%', '%zz', '%ff', '%c3%28', '%ed%a0%80', 'a%2');
  const id = { roomId: '!', userId: '@', eventId: '$', roomAlias: '#' }[name];
  if (id === undefined && name !== 'roomIdOrAlias') return broken;
  const other = fc
    .string({ minLength: 1, maxLength: 30, unit: 'binary' })
    .filter((text) => !/^[!@$#]/.test(text) && text !== '.' && text !== '..')
    .map(encodeURIComponent);
  const shapes =
    id === undefined ? ['x'] : [id, `${id}:`, `${id}%00:localhost`, `${id}${'x'.repeat(600)}:localhost`];
  return fc.oneof(broken, other, fc.constantFrom(...shapes));
}

/** The route's path with these parameters; others get values that are right in form. */
export function fill(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replace(
    /\{(\w+)\}/g,
    (_, name: string) => parameters[name] ?? encodeURIComponent(decent(name)),
  );
}

/** The names of a path's parameters. */
export function parameterNames(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}

function decent(name: string): string {
  const known: Readonly<Record<string, string>> = {
    roomId: `!${'a'.repeat(43)}`,
    roomIdOrAlias: `!${'a'.repeat(43)}`,
    userId: '@nobody:localhost',
    eventId: `$${'a'.repeat(43)}`,
    roomAlias: '#nobody:localhost',
    keyName: 'displayname',
    receiptType: 'm.read',
  };
  return known[name] ?? 'x';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
