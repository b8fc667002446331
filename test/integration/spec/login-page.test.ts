import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { Client, freshName, isObject, path, register, text } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Login Fallback';
const WHERE = '/_matrix/static/client/login/';

const page = () => shared.http.ask('GET', WHERE);

function scriptOf(html: string): string {
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script ?? '');
  same(scripts.length, 1, section);
  return scripts[0] ?? '';
}

/** An element of the page, as far as its script looks at it. */
interface Part {
  value: string;
  textContent: string;
  disabled: boolean;
  hidden: boolean;
  addEventListener(name: string, listener: (event: object) => Promise<void>): void;
}

/** The page opened in a browser that has nothing but what the page needs. */
async function opened(query = '') {
  const { text: html } = await page();
  const parts = new Map<string, Part>();
  let submitted: ((event: object) => Promise<void>) | undefined;
  for (const [, id = ''] of html.matchAll(/ id="(\w+)"/g)) {
    parts.set(id, {
      value: '',
      textContent: '',
      disabled: false,
      hidden: false,
      addEventListener: (name, listener) => {
        if (name === 'submit') submitted = listener;
      },
    });
  }
  const window: Record<string, unknown> = { location: { search: query } };
  const fetch = async (target: string, { method = '', body = '' }) => {
    const answer = await shared.http.ask(method, target, { raw: body });
    return { ok: answer.status === 200, json: async () => answer.json };
  };
  const document = { getElementById: (id: string) => parts.get(id) };
  runInContext(scriptOf(html), createContext({ window, document, fetch, URLSearchParams }));
  const part = (id: string): Part => parts.get(id) ?? assert.fail(`${section}: no #${id}`);
  return {
    window,
    part,
    async logIn(user: string, password: string): Promise<void> {
      part('user').value = user;
      part('password').value = password;
      let prevented = false;
      await submitted?.({ preventDefault: () => (prevented = true) });
      check(prevented, `${section}: the form itself is not sent`);
    },
  };
}

/** Puts the client's function where the spec has it, as clients do once the page is loaded. */
function listening(window: Record<string, unknown>): unknown[] {
  const got: unknown[] = [];
  const { matrixLogin } = window;
  check(isObject(matrixLogin), `${section}: window.matrixLogin`, matrixLogin);
  Object.assign(Object(matrixLogin), { onLogin: (response: unknown) => got.push(response) });
  return got;
}

describe('the login fallback page', () => {
  it('is an HTML page with one script of its own, and nobody else’s', async () => {
    const answer = await page();
    same(answer.status, 200, section);
    assert.match(String(answer.headers['content-type']), /^text\/html/, section);
    const policy = String(answer.headers['content-security-policy']);
    const named = hash('sha256', scriptOf(answer.text), 'base64');
    check(policy.includes(`script-src 'sha256-${named}';`), section, policy);
    check(
      policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"),
      section,
      policy,
    );
    const inline = await shared.http.ask('GET', `${WHERE}?device_id=%3Cscript%3E&password=secret`);
    same(inline.text, answer.text, `${section}: nothing of the address is in the page`);
  });

  it('performs the entire login, and calls window.matrixLogin.onLogin with the response of POST login', async () => {
    const user = await register(shared.http, freshName('webby'), 'the password of webby');
    const { window, logIn } = await opened();
    const got = listening(window);
    await logIn(user.userId, 'the password of webby');
    same(got.length, 1, section);
    const response = Object(got[0]);
    same(response.user_id, user.userId, section);
    const session = new Client(shared.http, {
      userId: user.userId,
      deviceId: text(response, 'device_id'),
      token: text(response, 'access_token'),
    });
    const me = expectOk(await session.ask('GET', path('account', 'whoami')), section);
    same([me['user_id'], me['device_id']], [user.userId, session.deviceId], section);
  });

  it('forwards the parameters of its query that are no credentials', async () => {
    const user = await register(shared.http, freshName('webby'), 'the password of webby');
    const query = new URLSearchParams({
      device_id: 'GHTYAJCE',
      initial_device_display_name: 'A <b>browser</b>',
      refresh_token: 'true',
      type: 'm.login.token',
      password: 'not from here',
    });
    const { window, logIn } = await opened(`?${query}`);
    const got = listening(window);
    await logIn(user.userId, 'the password of webby');
    const response = Object(got[0]);
    same(response.device_id, 'GHTYAJCE', section);
    check(typeof response.refresh_token === 'string', section, response);
    const device = expectOk(await user.ask('GET', path('devices', 'GHTYAJCE')), section);
    same(device['display_name'], 'A <b>browser</b>', section);
  });

  it('says what was wrong, and takes another try', async () => {
    const user = await register(shared.http, freshName('webby'), 'the password of webby');
    const { window, part, logIn } = await opened();
    const got = listening(window);
    await logIn(user.userId, 'another password');
    same([got.length, part('said').textContent === '', part('send').disabled], [0, false, false], section);
    await logIn(user.userId, 'the password of webby');
    same([got.length, part('login').hidden], [1, true], section);
  });
});
