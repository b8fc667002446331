import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, freshName, isObject, type Json, path, register, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import type { Answer } from '../../support/http.ts';
import { sharedServer } from '../../support/shared-server.ts';

/** Access tokens live this long here, so that their end can be waited for. */
const LIFETIME_MS = 4_000;
const LOGIN_TOKEN_MS = 3_000;
const shared = sharedServer({
  env: {
    MILENA_ACCESS_TOKEN_LIFETIME: String(LIFETIME_MS),
    MILENA_LOGIN_TOKEN_LIFETIME: String(LOGIN_TOKEN_MS),
  },
});

const PASSWORD = 'a long enough password';
const WHOAMI = path('account', 'whoami');

async function person(stem: string): Promise<Client> {
  return register(shared.http, freshName(stem), PASSWORD);
}

const logIn = (json: Json): Promise<Answer> => shared.http.ask('POST', path('login'), { json });

const withPassword = (user: Client, more: Json = {}): Promise<Answer> =>
  logIn({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: user.userId },
    password: PASSWORD,
    ...more,
  });

const refresh = (token: string): Promise<Answer> =>
  shared.http.ask('POST', path('refresh'), { json: { refresh_token: token } });

const whoami = (token: string): Promise<Answer> => shared.http.ask('GET', WHOAMI, { token });

/** What a login or a refresh gave, tokens and all. */
function tokens(answer: Answer, section: string) {
  const body = expectOk(answer, section);
  same(body['expires_in_ms'], LIFETIME_MS, `${section}: expires_in_ms`);
  return { access: text(body, 'access_token'), refresh: text(body, 'refresh_token') };
}

function softly(answer: Answer, isSoft: boolean, section: string): void {
  const body = expectError(answer, 401, 'M_UNKNOWN_TOKEN', section);
  same(body['soft_logout'] ?? false, isSoft, `${section}: soft_logout`);
}

describe('refreshing access tokens', () => {
  const section = 'CS API, Refreshing access tokens';

  it('is offered to clients that ask for it, and to no others', async () => {
    const user = await person('plain');
    const plain = expectOk(await withPassword(user), section);
    check(!('refresh_token' in plain) && !('expires_in_ms' in plain), section, plain);
    tokens(await withPassword(user, { refresh_token: true }), section);
    const username = freshName('refreshing');
    const body = { username, password: PASSWORD, refresh_token: true, auth: { type: 'm.login.dummy' } };
    tokens(await shared.http.ask('POST', path('register'), { json: body }), 'CS API, POST /register');
  });

  it('gives new tokens of the same device', async () => {
    const user = await person('refresh');
    const login = await withPassword(user, { refresh_token: true });
    const first = tokens(login, section);
    const second = tokens(await refresh(first.refresh), section);
    assert.notEqual(second.access, first.access);
    assert.notEqual(second.refresh, first.refresh);
    const me = expectOk(await whoami(second.access), section);
    same([me['user_id'], me['device_id']], [user.userId, expectOk(login, section)['device_id']], section);
  });

  it('can be repeated until one of the new tokens is used', async () => {
    const first = tokens(await withPassword(await person('repeat'), { refresh_token: true }), section);
    const lost = tokens(await refresh(first.refresh), section);
    const second = tokens(await refresh(first.refresh), section);
    expectOk(await whoami(second.access), section);
    softly(await refresh(first.refresh), false, `${section}: revoked by the new access token's use`);
    softly(await refresh(lost.refresh), false, `${section}: lost tokens`);
    softly(await whoami(lost.access), false, `${section}: lost tokens`);
    softly(await whoami(first.access), false, `${section}: the old access token`);
    tokens(await refresh(second.refresh), section);
  });

  it('with the new refresh token ends the old one too', async () => {
    const first = tokens(await withPassword(await person('chain'), { refresh_token: true }), section);
    const second = tokens(await refresh(first.refresh), section);
    const third = tokens(await refresh(second.refresh), section);
    softly(await refresh(first.refresh), false, section);
    expectOk(await whoami(third.access), section);
  });

  it('keeps the old access token until a new one is used', async () => {
    const first = tokens(await withPassword(await person('both'), { refresh_token: true }), section);
    tokens(await refresh(first.refresh), section);
    expectOk(await whoami(first.access), section);
  });

  it('is what an expired access token asks for: 401 M_UNKNOWN_TOKEN with soft_logout', async () => {
    const user = await person('expired');
    const first = tokens(await withPassword(user, { refresh_token: true }), section);
    expectOk(await whoami(first.access), section);
    await sleep(LIFETIME_MS + 100);
    softly(await whoami(first.access), true, 'CS API, Soft logout');
    expectOk(await whoami(user.token), `${section}: tokens of clients that cannot refresh do not expire`);
    const second = tokens(await refresh(first.refresh), section);
    expectOk(await whoami(second.access), section);
  });

  it('refuses what is no refresh token, or none any more', async () => {
    const user = await person('none');
    const own = tokens(await withPassword(user, { refresh_token: true, device_id: 'GOES' }), section);
    for (const token of ['', 'x', 'mlr_00000000_x_00000000', user.token, own.access, '\u0000']) {
      softly(await refresh(token), false, `${section}: ${token.slice(0, 4)}`);
    }
    softly(await whoami(own.refresh), false, `${section}: a refresh token is no access token`);
    await shared.http.ask('POST', path('logout'), { token: own.access, json: {} });
    softly(await refresh(own.refresh), false, `${section}: the device is logged out`);
    const where = path('refresh');
    expectError(await shared.http.ask('POST', where, { json: {} }), 400, 'M_MISSING_PARAM', section);
    expectError(
      await shared.http.ask('POST', where, { json: { refresh_token: 1 } }),
      400,
      'M_BAD_JSON',
      section,
    );
  });

  it('ends when the device logs in again', async () => {
    const user = await person('again');
    const first = tokens(await withPassword(user, { refresh_token: true, device_id: 'SAME' }), section);
    const second = tokens(await withPassword(user, { refresh_token: true, device_id: 'SAME' }), section);
    softly(await refresh(first.refresh), false, 'CS API, Relationship between access tokens and devices');
    softly(await whoami(first.access), false, 'CS API, Relationship between access tokens and devices');
    expectOk(await whoami(second.access), section);
  });
});

describe('login tokens', () => {
  const section = 'CS API, POST /login/get_token';
  const getToken = (user: Client, auth?: Json): Promise<Answer> =>
    user.ask('POST', '/_matrix/client/v1/login/get_token', { json: auth === undefined ? {} : { auth } });
  const proof = (user: Client): Json => ({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: user.userId },
    password: PASSWORD,
  });
  const made = async (user: Client): Promise<string> => {
    const body = expectOk(await getToken(user, proof(user)), section);
    same(body['expires_in_ms'], LOGIN_TOKEN_MS, section);
    return text(body, 'login_token');
  };
  const withToken = (token: string, more: Json = {}) => logIn({ type: 'm.login.token', token, ...more });

  it('are announced by GET login and by the capabilities', async () => {
    const flows = expectOk(await shared.http.ask('GET', path('login')), 'CS API, GET /login')['flows'];
    same(flows, [{ type: 'm.login.password' }, { type: 'm.login.token', get_login_token: true }], section);
    const all = expectOk(await (await person('can')).ask('GET', path('capabilities')), section);
    const { capabilities } = all;
    check(isObject(capabilities), section, all);
    same(capabilities['m.get_login_token'], { enabled: true }, section);
    same(capabilities['m.change_password'], { enabled: true }, section);
    same(capabilities['m.3pid_changes'], { enabled: false }, section);
  });

  it('ask for the password each time', async () => {
    const user = await person('asks');
    const session = async () => {
      const answer = await getToken(user);
      same(answer.status, 401, `${section}: ${answer.text}`);
      check(isObject(answer.json), section, answer.text);
      same(answer.json['flows'], [{ stages: ['m.login.password'] }], section);
      return text(answer.json, 'session');
    };
    const first = await session();
    expectOk(await getToken(user, { ...proof(user), session: first }), section);
    for (const auth of [{ session: first }, { ...proof(user), session: first }]) {
      same((await getToken(user, auth)).status, 401, `${section}: servers MUST always re-prompt`);
    }
    await session();
  });

  it('log another device in as the same user, once', async () => {
    const user = await person('another');
    const token = await made(user);
    const body = expectOk(await withToken(token, { initial_device_display_name: 'TV' }), section);
    same(body['user_id'], user.userId, section);
    assert.notEqual(body['device_id'], user.deviceId);
    expectError(await withToken(token), 403, 'M_FORBIDDEN', `${section}: valid for a single login`);
  });

  it('serve one of those who use them at once', async () => {
    const token = await made(await person('race'));
    const answers = await Promise.all(Array.from({ length: 5 }, () => withToken(token)));
    same(answers.filter(({ status }) => status === 200).length, 1, section);
  });

  it('run out', async () => {
    const token = await made(await person('late'));
    await sleep(LOGIN_TOKEN_MS + 100);
    expectError(await withToken(token), 403, 'M_FORBIDDEN', section);
  });

  it('that were never made are refused with 403 M_FORBIDDEN, none at all with 400', async () => {
    expectError(await withToken('never-made'), 403, 'M_FORBIDDEN', 'CS API, Login');
    expectError(await withToken('\u0000'), 403, 'M_FORBIDDEN', 'CS API, Login');
    expectError(await logIn({ type: 'm.login.token' }), 400, 'M_MISSING_PARAM', 'CS API, Login');
  });

  it('are not made without an access token', async () => {
    const where = '/_matrix/client/v1/login/get_token';
    expectError(await shared.http.ask('POST', where, { json: {} }), 401, 'M_MISSING_TOKEN', section);
  });
});

describe('identifiers', () => {
  const section = 'CS API, Identifier types';
  const as = (identifier: Json) => logIn({ type: 'm.login.password', identifier, password: PASSWORD });

  it('are user IDs or localparts', async () => {
    const user = await person('named');
    const localpart = user.userId.slice(1, user.userId.indexOf(':'));
    for (const name of [user.userId, localpart]) {
      same(expectOk(await as({ type: 'm.id.user', user: name }), section)['user_id'], user.userId, section);
    }
    const old = { type: 'm.login.password', user: localpart, password: PASSWORD };
    same(expectOk(await logIn(old), `${section}: user, deprecated`)['user_id'], user.userId, section);
  });

  it('of third parties are known to nobody here: 403', async () => {
    const mail = { type: 'm.id.thirdparty', medium: 'email', address: 'a@example.org' };
    const phone = { type: 'm.id.phone', country: 'GB', phone: '07700900001' };
    for (const identifier of [mail, phone]) {
      expectError(await as(identifier), 403, 'M_FORBIDDEN', 'CS API, Login');
    }
  });

  it('are needed', async () => {
    expectError(await as({ type: 'm.id.user' }), 400, 'M_MISSING_PARAM', section);
    const none = { type: 'm.login.password', password: PASSWORD };
    expectError(await logIn(none), 400, 'M_MISSING_PARAM', section);
  });

  it('go with login types that the server knows', async () => {
    const section = 'CS API, POST /login, 400';
    expectError(await logIn({ type: 'm.login.sso' }), 400, 'M_UNKNOWN', section);
    expectError(await logIn({}), 400, 'M_MISSING_PARAM', section);
    expectError(await logIn({ type: 1 }), 400, 'M_BAD_JSON', section);
  });
});

describe('logging out', () => {
  it('of all devices ends every token of the user', async () => {
    const section = 'CS API, POST /logout/all';
    const user = await person('all');
    const other = text(expectOk(await withPassword(user), section), 'access_token');
    const third = tokens(await withPassword(user, { refresh_token: true }), section);
    expectOk(await user.ask('POST', path('logout', 'all'), { json: {} }), section);
    for (const token of [user.token, other, third.access]) softly(await whoami(token), false, section);
    softly(await refresh(third.refresh), false, section);
    expectOk(await withPassword(user), `${section}: the account is still there`);
  });
});
