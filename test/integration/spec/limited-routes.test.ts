import { after, before, describe, it } from 'node:test';
import { admin, WITH_ADMINS } from '../../support/admin.ts';
import { type FakeVerifier, startFakeVerifier } from '../../support/captcha.ts';
import { type Client, freshName, isObject, type Json, path, text } from '../../support/client.ts';
import { check, expectError, same } from '../../support/expect.ts';
import { type Answer, type Ask, Http } from '../../support/http.ts';
import { type Server, startServer } from '../../support/server.ts';

const SECTION = 'CS API, Rate limiting';
const SECRET = 'the-captcha-secret';
/** How often one user may ask; one address may log in, or try; one address may ask for what is limited. */
const [REQUESTS, LOGINS, ASKED] = [2, 6, 7];

let verifier: FakeVerifier;
let server: Server;
let http: Http;
let token = '';

before(async () => {
  verifier = await startFakeVerifier(SECRET);
  server = await startServer({
    env: {
      ...WITH_ADMINS,
      MILENA_REGISTRATION: 'token',
      MILENA_RECAPTCHA_SITE_KEY: 'the-site-key',
      MILENA_RECAPTCHA_SECRET_KEY: SECRET,
      MILENA_RECAPTCHA_VERIFY_URL: verifier.url,
      MILENA_TRUSTED_PROXIES: '127.0.0.1',
      MILENA_RATE_LIMITS: 'on',
      MILENA_RATE_REGISTRATION: '1000/hour',
      MILENA_RATE_LOGIN_ADDRESS: `${LOGINS}/hour`,
      MILENA_RATE_ADDRESS: `${ASKED}/hour`,
      MILENA_RATE_REQUEST: `${REQUESTS}/hour`,
      MILENA_RATE_PROFILE: `${REQUESTS}/hour`,
    },
  });
  http = new Http(server.url);
  token = (await server.milena(['token', 'add'])).stdout.trim();
});
after(async () => {
  http?.close();
  await server?.[Symbol.asyncDispose]();
  await verifier?.[Symbol.asyncDispose]();
});

let addresses = 0;

/** Somebody at an address of their own, as the proxy says. */
function stranger(): (method: string, where: string, ask?: Ask) => Promise<Answer> {
  addresses += 1;
  const headers = { 'x-forwarded-for': `192.0.2.${addresses}` };
  return (method, where, ask = {}) => http.ask(method, where, { ...ask, headers });
}

/** Asks as often as is allowed, and once more. @returns what came before. */
async function until429(
  what: string,
  allowed: number,
  ask: (time: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < allowed; i += 1) answers.push(await ask(i));
  const statuses = answers.map(({ status }) => status);
  check(!statuses.includes(429), `${SECTION}: ${what}, ${allowed} times`, statuses);
  isLimited(what, await ask(allowed));
  return answers;
}

function isLimited(what: string, answer: Answer): void {
  const body = expectError(answer, 429, 'M_LIMIT_EXCEEDED', `${SECTION}: ${what}`);
  const seconds = Number(answer.headers['retry-after']);
  check(Number.isInteger(seconds) && seconds > 0, `${SECTION}: Retry-After`, answer.headers);
  same(Math.ceil(Number(body['retry_after_ms']) / 1_000), seconds, `${SECTION}: retry_after_ms`);
}

const V1 = '/_matrix/client/v1';

describe('who has used up what a user may ask gets 429 with the time to wait from', () => {
  /** By method and path; each is asked by a user of its own. */
  const asks: Readonly<Record<string, (user: Client, time: number) => Parameters<Client['ask']>>> = {
    'POST login/get_token': () => ['POST', `${V1}/login/get_token`, { json: {} }],
    'POST account/deactivate': () => ['POST', path('account', 'deactivate'), { json: {} }],
    'POST account/password': () => ['POST', path('account', 'password'), { json: { new_password: 'x' } }],
    'PUT presence': ({ userId }) => [
      'PUT',
      path('presence', userId, 'status'),
      { json: { presence: 'online' } },
    ],
    'POST openid/request_token': ({ userId }) => [
      'POST',
      path('user', userId, 'openid', 'request_token'),
      { json: {} },
    ],
    'PUT profile': ({ userId }, time) => [
      'PUT',
      path('profile', userId, 'm.tz'),
      { json: { 'm.tz': `${time}` } },
    ],
    'DELETE profile': ({ userId }) => ['DELETE', path('profile', userId, 'm.tz'), { json: {} }],
    'PUT devices': ({ deviceId }) => ['PUT', path('devices', deviceId), { json: { display_name: 'x' } }],
    'DELETE devices': ({ deviceId }) => ['DELETE', path('devices', deviceId), { json: {} }],
    'GET capabilities': () => ['GET', path('capabilities')],
    'GET mutual_rooms': ({ userId }) => ['GET', `${V1}/mutual_rooms?user_id=${encodeURIComponent(userId)}`],
    'GET account/whoami': () => ['GET', path('account', 'whoami')],
  };
  for (const [what, of] of Object.entries(asks)) {
    it(what, async () => {
      const [user, ask] = [await admin(http), stranger()];
      await until429(what, REQUESTS, (time) => {
        const [method, where, how] = of(user, time);
        return ask(method, where, { token: user.token, ...how });
      });
    });
  }
});

describe('who has used up what an address may try gets 429 with the time to wait from', () => {
  const LOGIN = path('login');
  const login = (json: Json): Ask => ({ json: { type: 'm.login.token', ...json } });
  const available = (name: string) => `${path('register', 'available')}?username=${name}`;
  const validity = `${V1}/register/m.login.registration_token/validity`;
  /** By what is tried: how often, with which answer until then, and the request. */
  const asks: Readonly<
    Record<string, readonly [allowed: number, status: number, (time: number) => [string, string, Ask?]]>
  > = {
    'GET login': [ASKED, 200, () => ['GET', LOGIN]],
    'POST login, of login tokens': [LOGINS, 403, (time) => ['POST', LOGIN, login({ token: `mll_${time}` })]],
    'POST refresh': [LOGINS, 401, () => ['POST', path('refresh'), { json: { refresh_token: 'guessed' } }]],
    'GET register/available': [LOGINS, 200, () => ['GET', available(freshName())]],
    'the validity of registration tokens': [LOGINS, 200, (time) => ['GET', `${validity}?token=${time}`]],
    'POST register, which makes sessions': [LOGINS, 401, () => ['POST', path('register'), { json: {} }]],
  };
  for (const [what, [allowed, status, of]] of Object.entries(asks)) {
    it(what, async () => {
      const ask = stranger();
      const answers = await until429(what, allowed, (time) => ask(...of(time)));
      same(new Set(answers.map((answer) => answer.status)), new Set([status]), what);
    });
  }

  it('POST register, of names that are taken', async () => {
    const [user, ask] = [await admin(http), stranger()];
    const username = user.userId.slice(1).split(':')[0];
    const answers = await until429('names', LOGINS, () =>
      ask('POST', path('register'), { json: { username } }),
    );
    for (const answer of answers) expectError(answer, 400, 'M_USER_IN_USE', 'CS API, POST /register, 400');
  });

  it('POST register, of registration tokens with a session that is there', async () => {
    const session = await begin();
    const ask = stranger();
    const auth = { type: 'm.login.registration_token', session };
    const guess = (time: number) =>
      ask('POST', path('register'), { json: { auth: { ...auth, token: `${time}` } } });
    for (const { status } of await until429('registration tokens', LOGINS, guess)) same(status, 401, SECTION);
    isLimited(
      'the right one too',
      await ask('POST', path('register'), { json: { auth: { ...auth, token } } }),
    );
    const elsewhere = await stranger()('POST', path('register'), { json: { auth: { ...auth, token } } });
    same(completed(elsewhere), ['m.login.registration_token'], 'the session is kept, and others go on');
  });

  it('POST register, of captchas with a session that is there: the service is asked no more often', async () => {
    const session = await begin();
    const first = { type: 'm.login.registration_token', session, token };
    await stranger()('POST', path('register'), { json: { auth: first } });
    const ask = stranger();
    const before = verifier.asked.length;
    const auth = { type: 'm.login.recaptcha', session, response: 'guessed' };
    await until429('captchas', LOGINS, () => ask('POST', path('register'), { json: { auth } }));
    same(verifier.asked.length - before, LOGINS, 'what the service was asked');
  });

  it('the pages of the fallback, as a page', async () => {
    const session = await begin();
    const where = `${path('auth', 'm.login.registration_token', 'fallback', 'web')}?session=${session}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const statuses: number[] = [];
    let last: Answer | undefined;
    for (let i = 0; i <= LOGINS; i += 1) {
      last = await http.ask('POST', where, {
        raw: `token=guess${i}`,
        headers: { ...headers, 'x-forwarded-for': '198.51.100.7' },
      });
      statuses.push(last.status);
    }
    same(statuses, [...Array.from({ length: LOGINS }, () => 403), 429], SECTION);
    check(Number(last?.headers['retry-after']) > 0, `${SECTION}: Retry-After`, last?.headers);
    check(String(last?.headers['content-type']).startsWith('text/html'), 'CS API, Fallback', last?.headers);
  });
});

/** A session of the UIA for registering, begun at an address of its own. */
async function begin(): Promise<string> {
  const { json } = await stranger()('POST', path('register'), { json: {} });
  check(isObject(json), 'CS API, User-Interactive Authentication API', json);
  return text(json, 'session');
}

function completed({ json }: Answer): unknown {
  return isObject(json) ? json['completed'] : undefined;
}
