import { describe, it } from 'node:test';
import { expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, GET /.well-known/matrix/support';
const WHERE = '/.well-known/matrix/support';

describe('a server with contacts', () => {
  const server = sharedServer({
    env: {
      MILENA_SUPPORT_CONTACTS:
        'm.role.admin @admin:example.org admin@example.org, m.role.security security@example.org',
      MILENA_SUPPORT_PAGE: 'https://example.org/support.html',
    },
  });

  it('names them and its page, as the configuration says', async () => {
    const answer = await server.http.ask('GET', WHERE);
    same(
      expectOk(answer, SECTION),
      {
        contacts: [
          { role: 'm.role.admin', matrix_id: '@admin:example.org', email_address: 'admin@example.org' },
          { role: 'm.role.security', email_address: 'security@example.org' },
        ],
        support_page: 'https://example.org/support.html',
      },
      SECTION,
    );
    same(answer.headers['access-control-allow-origin'], '*', 'CS API, Well-known URIs: CORS');
  });
});

describe('a server without', () => {
  const server = sharedServer({ env: { MILENA_SUPPORT_CONTACTS: '' } });

  it('answers 404', async () => {
    expectError(await server.http.ask('GET', WHERE), 404, 'M_NOT_FOUND', `${SECTION}, 404`);
  });
});
