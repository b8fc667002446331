import { writeFileSync } from 'node:fs';
import { NOBODY_SYNCS, testHouse } from '../../src/http/house.fixture.ts';
import { type Operation, operations } from '../support/spec/operations.ts';

/** Where the document lies. */
export const endpointsFile = new URL('../../docs/endpoints.md', import.meta.url);

const APIS: Readonly<Record<string, string>> = {
  cs: 'Client-server API',
  ss: 'Server-server API',
  as: 'Application service API',
  is: 'Identity service API',
  push: 'Push gateway API',
};

/** `docs/endpoints.md`, from the spec's list and the routes of the server; undefined without a spec folder. */
export async function endpointsDocument(): Promise<string | undefined> {
  const all = operations();
  if (all.length === 0) return undefined;
  const { routes } = await testHouse({}, { sync: NOBODY_SYNCS });
  const served = new Set(routes.map(({ method, url }) => `${String(method)} ${bare(url)}`));
  const isServed = ({ method, path }: Operation): boolean => served.has(`${method} ${bare(path)}`);
  const sections = Object.entries(APIS).flatMap(([api, title]) => {
    const list = all.filter((operation) => operation.api === api);
    const count = list.filter(isServed).length;
    return [
      `## ${title}: ${count} of ${list.length}`,
      '',
      '| method | path | |',
      '|---|---|---|',
      ...list.map(
        (each) => `| ${each.method} | \`${each.path}\` | ${isServed(each) ? 'built' : 'not yet'} |`,
      ),
      '',
    ];
  });
  return [
    '# Endpoints',
    '',
    'Every operation of the Matrix specification v1.19, and whether this server has it. An endpoint that is not',
    'built is unknown to it: 404 `M_UNRECOGNIZED`.',
    'This page is generated: `node src/main/launch.js --script test/checks/endpoints-document.ts`.',
    '',
    ...sections,
  ].join('\n');
}

/** A path with `*` for each parameter, and no slash at its end. */
function bare(path: string): string {
  return path
    .replaceAll(/\{\w+\}|:\w+/g, '*')
    .replace(/\/state\/\*\/\*$/, '/state/*')
    .replace(/(.)\/$/, '$1');
}

if (import.meta.main) {
  const document = await endpointsDocument();
  if (document === undefined) throw new Error('the spec folder is not there: set MILENA_SPEC_DIR');
  writeFileSync(endpointsFile, document);
}
