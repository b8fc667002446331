import { writeFileSync } from 'node:fs';
import { catalogue } from '../../src/errors/catalogue.ts';

/** Where the document lies. */
export const errorsFile = new URL('../../docs/errors.md', import.meta.url);

/** `docs/errors.md`, from the catalogue. */
export function errorsDocument(): string {
  const rows = Object.entries(catalogue).map(
    ([code, { errcode, status, text }]) => `| \`${code}\` | \`${errcode}\` | ${status} | ${text} |`,
  );
  return [
    '# Errors',
    '',
    'The closed catalogue of `src/errors/catalogue.ts`: our code (in logs), what a client gets, and its HTTP status.',
    'This page is generated: `node src/main/launch.js --script test/checks/errors-document.ts`.',
    '',
    '| code | `errcode` | status | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(errorsFile, errorsDocument());
