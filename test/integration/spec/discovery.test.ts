import { describe, it } from 'node:test';
import { isObject, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { INTERNAL_SECRET } from '../../support/server.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

describe('what a client finds out before it logs in', () => {
  it('lists every version of the spec from v1.1 to v1.19', async () => {
    const section = 'CS API, GET /_matrix/client/versions';
    const body = expectOk(await shared.http.ask('GET', '/_matrix/client/versions'), section);
    const versions = body['versions'];
    check(Array.isArray(versions), `${section}: "versions" is required`, body);
    for (let minor = 1; minor <= 19; minor++)
      check(versions.includes(`v1.${minor}`), `${section}: v1.${minor} should be listed`, versions);
  });

  it('answers versions with a token too, and unstable_features holds booleans only', async () => {
    const section = 'CS API, GET /versions (changed in v1.10)';
    const user = await shared.user();
    const body = expectOk(await user.ask('GET', '/_matrix/client/versions'), section);
    const features = body['unstable_features'] ?? {};
    check(isObject(features), `${section}: unstable_features is an object`, body);
    for (const [name, value] of Object.entries(features))
      check(typeof value === 'boolean', `${section}: ${name} must be a boolean`, value);
  });

  it('names its base URL in /.well-known/matrix/client', async () => {
    const section = 'CS API, Well-known URIs';
    const body = expectOk(await shared.http.ask('GET', '/.well-known/matrix/client'), section);
    const homeserver = body['m.homeserver'];
    check(isObject(homeserver), `${section}: m.homeserver is required`, body);
    check(URL.canParse(String(homeserver['base_url'])), `${section}: base_url must be a URL`, homeserver);
  });

  it('sends CORS headers with /.well-known/matrix/client', async () => {
    const answer = await shared.http.ask('GET', '/.well-known/matrix/client', {
      headers: { origin: 'https://app.example' },
    });
    same(answer.headers['access-control-allow-origin'], '*', 'CS API, Well-known URIs: SHOULD offer CORS');
  });

  it('says what it can do in /capabilities, with room version 12 as the default', async () => {
    const section = 'CS API, m.room_versions capability';
    const user = await shared.user();
    const body = expectOk(await user.ask('GET', path('capabilities')), section);
    const capabilities = body['capabilities'];
    check(isObject(capabilities), `${section}: "capabilities" is required`, body);
    const versions = capabilities['m.room_versions'];
    check(isObject(versions), `${section}: m.room_versions should be there`, capabilities);
    same(versions['default'], '12', 'Room versions: servers SHOULD use room version 12 by default');
    const available = versions['available'];
    check(isObject(available), `${section}: "available" is required`, versions);
    same(available['12'], 'stable', `${section}: 12 is stable`);
    same(available['11'], 'stable', `${section}: 11 is stable`);
  });

  it('shows capabilities to those who are logged in only', async () => {
    const answer = await shared.http.ask('GET', path('capabilities'));
    expectError(answer, 401, 'M_MISSING_TOKEN', 'CS API, Using access tokens');
  });

  it('offers password login', async () => {
    const section = 'CS API, GET /login';
    const body = expectOk(await shared.http.ask('GET', path('login')), section);
    const flows = body['flows'];
    check(
      Array.isArray(flows) && flows.some((flow) => isObject(flow) && flow['type'] === 'm.login.password'),
      `${section}: m.login.password should be among the flows`,
      body,
    );
  });

  it('lists no third-party protocols as an empty object', async () => {
    const section = 'CS API, GET /thirdparty/protocols';
    const user = await shared.user();
    same(expectOk(await user.ask('GET', path('thirdparty', 'protocols')), section), {}, section);
  });
});

describe('what any endpoint answers', () => {
  const cors = 'CS API, Web Browser Clients';

  it('refuses a request without a token with 401 M_MISSING_TOKEN', async () => {
    for (const where of [
      path('account', 'whoami'),
      path('joined_rooms'),
      path('sync'),
      path('pushrules', ''),
    ])
      expectError(
        await shared.http.ask('GET', where),
        401,
        'M_MISSING_TOKEN',
        `CS API, Using access tokens, ${where}`,
      );
  });

  it('refuses an unknown token with 401 M_UNKNOWN_TOKEN', async () => {
    const answer = await shared.http.ask('GET', path('account', 'whoami'), { token: 'nobody-has-this' });
    expectError(answer, 401, 'M_UNKNOWN_TOKEN', 'CS API, Using access tokens');
  });

  it('takes the token from the query too', async () => {
    const user = await shared.user();
    const where = `${path('account', 'whoami')}?access_token=${encodeURIComponent(user.token)}`;
    const body = expectOk(
      await shared.http.ask('GET', where),
      'CS API, Using access tokens: MUST support both',
    );
    same(body['user_id'], user.userId, 'CS API, Using access tokens');
  });

  it('answers an unknown endpoint with 404 M_UNRECOGNIZED', async () => {
    const section = 'CS API, Common error codes, M_UNRECOGNIZED: 404 where the endpoint is not implemented';
    for (const where of ['/_matrix/client/v3/no_such_thing', '/_matrix/nothing', '/_matrix/client/v9/sync'])
      for (const method of ['GET', 'PUT', 'POST', 'DELETE'])
        expectError(
          await shared.http.ask(method, where, method === 'GET' ? {} : { json: {} }),
          404,
          'M_UNRECOGNIZED',
          `${section} (${method} ${where})`,
        );
  });

  it('answers a wrong method with 405 M_UNRECOGNIZED', async () => {
    const section = 'CS API, Common error codes, M_UNRECOGNIZED: 405 for a wrong method';
    const wrong = [
      ['DELETE', '/_matrix/client/versions'],
      ['POST', path('account', 'whoami')],
      ['GET', path('createRoom')],
      ['PUT', path('sync')],
      ['POST', path('rooms', '!a', 'state', 'm.room.topic', '')],
      ['GET', path('rooms', '!a', 'send', 'm.room.message', 't')],
    ] as const;
    for (const [method, where] of wrong)
      expectError(
        await shared.http.ask(method, where, method === 'GET' ? {} : { json: {} }),
        405,
        'M_UNRECOGNIZED',
        `${section} (${method} ${where})`,
      );
  });

  it('answers a preflight without a token and without running the endpoint', async () => {
    for (const where of [path('sync'), path('createRoom'), path('rooms', '!a:b', 'send', 'm.x', 't')]) {
      const answer = await shared.http.ask('OPTIONS', where, {
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
      check(answer.status === 200 || answer.status === 204, `${cors}: OPTIONS ${where}`, answer.status);
      same(answer.headers['access-control-allow-origin'], '*', `${cors}: OPTIONS ${where}`);
      const methods = String(answer.headers['access-control-allow-methods']);
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
        check(methods.includes(method), `${cors}: Allow-Methods should name ${method}`, methods);
      const allowed = String(answer.headers['access-control-allow-headers']).toLowerCase();
      for (const header of ['x-requested-with', 'content-type', 'authorization'])
        check(allowed.includes(header), `${cors}: Allow-Headers should name ${header}`, allowed);
    }
  });

  it("lets a public page's browser reach a private network when it asks (Chrome's preflight)", async () => {
    const answer = await shared.http.ask('OPTIONS', path('sync'), {
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'GET',
        'access-control-request-private-network': 'true',
      },
    });
    same(answer.headers['access-control-allow-private-network'], 'true', 'Private Network Access, preflight');
  });

  it('sends CORS headers with successes, refusals and unknown endpoints alike', async () => {
    for (const where of [
      '/_matrix/client/versions',
      path('account', 'whoami'),
      '/_matrix/client/v3/nothing',
    ]) {
      const answer = await shared.http.ask('GET', where, { headers: { origin: 'https://app.example' } });
      same(answer.headers['access-control-allow-origin'], '*', `${cors}: on all requests (${where})`);
    }
  });

  it('knows the endpoints that are older than v3 under /r0', async () => {
    const section = 'Spec, changelog v1.1: r0 became v3';
    const user = await shared.user();
    const whoami = expectOk(await user.ask('GET', '/_matrix/client/r0/account/whoami'), section);
    same(whoami['user_id'], user.userId, section);
    expectOk(await shared.http.ask('GET', '/_matrix/client/r0/login'), section);
    expectOk(await user.ask('GET', '/_matrix/client/r0/sync'), section);
    const room = expectOk(await user.ask('POST', '/_matrix/client/r0/createRoom', { json: {} }), section);
    const where = `/_matrix/client/r0/rooms/${encodeURIComponent(String(room['room_id']))}`;
    expectOk(
      await user.ask('PUT', `${where}/send/m.room.message/r0`, { json: { msgtype: 'm.text', body: 'x' } }),
      section,
    );
    expectOk(await user.ask('GET', `${where}/messages?dir=b`), section);
  });

  it('reads a JSON body whatever the Content-Type says', async () => {
    const section = 'CS API, API Standards: clients should supply a Content-Type, but this is not required';
    const user = await shared.user();
    for (const type of ['text/plain', 'application/octet-stream', 'application/json; charset=utf-8'])
      expectOk(
        await user.ask('POST', path('createRoom'), { raw: '{}', headers: { 'content-type': type } }),
        `${section} (${type})`,
      );
  });

  it('refuses a body that is not JSON with M_NOT_JSON, and JSON that is no object with M_BAD_JSON', async () => {
    const user = await shared.user();
    for (const raw of ['{', 'no json', '{"a":1,}', "{'a':1}", ''])
      expectError(
        await user.ask('POST', path('createRoom'), { raw }),
        400,
        'M_NOT_JSON',
        `CS API, Common error codes, M_NOT_JSON (body ${JSON.stringify(raw)})`,
      );
    for (const raw of ['[]', '1', '"text"', 'null', 'true'])
      expectError(
        await user.ask('POST', path('createRoom'), { raw }),
        400,
        ['M_BAD_JSON', 'M_NOT_JSON'],
        `CS API, API Standards: the body is a JSON object (body ${raw})`,
      );
  });

  it('serves no node-to-node route on the public port', async () => {
    for (const where of [
      '/_milena/internal/v1/command',
      '/_milena/internal/v1/status',
      '/_milena/internal/v1/log/export',
      '/_milena/metrics',
    ])
      for (const method of ['GET', 'POST'])
        expectError(
          await shared.http.ask(method, where, {
            headers: { authorization: `Bearer ${INTERNAL_SECRET}` },
            ...(method === 'POST' ? { json: {} } : {}),
          }),
          [404, 405],
          'M_UNRECOGNIZED',
          `architecture, section 3 of the issue: internal routes have their own listener (${method} ${where})`,
        );
  });

  it('greets a browser at / with its name, version and how to connect', async () => {
    const answer = await shared.http.ask('GET', '/');
    same(answer.status, 200, 'a page at /');
    check(/milena/i.test(answer.text), 'the page names the software', answer.text);
    check(/\d+\.\d+\.\d+/.test(answer.text), 'the page names the version', answer.text);
  });
});
