import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Client,
  freshName,
  isObject,
  type Json,
  login,
  path,
  register,
  text,
} from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import type { Answer } from '../../support/http.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const PASSWORD = 'a long enough password';
const OTHER = 'another long password';

const person = (stem: string): Promise<Client> => register(shared.http, freshName(stem), PASSWORD);
const whoami = (token: string) => shared.http.ask('GET', path('account', 'whoami'), { token });

const proof = (user: Client, more: Json = {}): Json => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: user.userId },
  password: PASSWORD,
  ...more,
});

async function devicesOf(user: Client): Promise<readonly Json[]> {
  const body = expectOk(await user.ask('GET', path('devices')), 'CS API, GET /devices');
  const { devices } = body;
  check(Array.isArray(devices) && devices.every(isObject), 'CS API, GET /devices', body);
  return devices;
}

const ids = (devices: readonly Json[]): readonly unknown[] =>
  devices.map((device) => device['device_id']).sort();

function challenge(answer: Answer, section: string): string {
  same(answer.status, 401, `${section}: expected 401, got ${answer.text}`);
  check(isObject(answer.json), section, answer.text);
  same(answer.json['flows'], [{ stages: ['m.login.password'] }], `${section}: flows`);
  return text(answer.json, 'session');
}

describe('devices', () => {
  it('are listed with their names and when they were seen last', async () => {
    const section = 'CS API, GET /devices';
    const before = Date.now();
    const user = await person('list');
    const named = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: user.userId },
      password: PASSWORD,
      device_id: 'NAMED',
      initial_device_display_name: 'My phone',
    };
    const second = text(
      expectOk(await shared.http.ask('POST', path('login'), { json: named }), section),
      'access_token',
    );
    expectOk(await whoami(second), section);
    const devices = await devicesOf(user);
    same(ids(devices), ['NAMED', user.deviceId].sort(), section);
    const phone = devices.find((device) => device['device_id'] === 'NAMED');
    same([phone?.['display_name'], phone?.['last_seen_ip']], ['My phone', '127.0.0.1'], section);
    const ts = Number(phone?.['last_seen_ts']);
    check(ts >= before && ts <= Date.now(), `${section}: last_seen_ts`, phone);
    const own = devices.find((device) => device['device_id'] === user.deviceId);
    check(own !== undefined && !('display_name' in own), `${section}: absent if no name has been set`, own);
  });

  it('are found one by one, and only one’s own', async () => {
    const section = 'CS API, GET /devices/{deviceId}';
    const [user, stranger] = [await person('get'), await person('get')];
    const body = expectOk(await user.ask('GET', path('devices', user.deviceId)), section);
    same(body['device_id'], user.deviceId, section);
    for (const id of [stranger.deviceId, 'NOBODYS', '\u0000']) {
      expectError(await user.ask('GET', path('devices', id)), 404, 'M_NOT_FOUND', section);
    }
    expectError(await shared.http.ask('GET', path('devices')), 401, 'M_MISSING_TOKEN', section);
  });

  it('are renamed; without a name nothing changes', async () => {
    const section = 'CS API, PUT /devices/{deviceId}';
    const user = await person('rename');
    const where = path('devices', user.deviceId);
    same(expectOk(await user.ask('PUT', where, { json: { display_name: 'Desk' } }), section), {}, section);
    same(expectOk(await user.ask('GET', where), section)['display_name'], 'Desk', section);
    same(expectOk(await user.ask('PUT', where, { json: {} }), section), {}, section);
    same(expectOk(await user.ask('GET', where), section)['display_name'], 'Desk', section);
    for (const json of [{}, { display_name: 'x' }]) {
      expectError(await user.ask('PUT', path('devices', 'NOBODYS'), { json }), 404, 'M_NOT_FOUND', section);
    }
    expectError(await user.ask('PUT', where, { json: { display_name: 1 } }), 400, 'M_BAD_JSON', section);
    const long = { display_name: 'x'.repeat(5_000) };
    expectError(await user.ask('PUT', where, { json: long }), 400, 'M_INVALID_PARAM', section);
  });

  it('keep their name when they log in again', async () => {
    const section = 'CS API, POST /login: initial_device_display_name';
    const user = await person('keeps');
    await user.ask('PUT', path('devices', user.deviceId), { json: { display_name: 'Desk' } });
    const again = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: user.userId },
      password: PASSWORD,
      device_id: user.deviceId,
      initial_device_display_name: 'Ignored',
    };
    const body = expectOk(await shared.http.ask('POST', path('login'), { json: again }), section);
    same(body['device_id'], user.deviceId, section);
    expectError(await whoami(user.token), 401, 'M_UNKNOWN_TOKEN', 'the old token has ended');
    const token = text(body, 'access_token');
    const device = await shared.http.ask('GET', path('devices', user.deviceId), { token });
    same(expectOk(device, section)['display_name'], 'Desk', section);
  });

  it('are deleted once the password was given, and their tokens end', async () => {
    const section = 'CS API, DELETE /devices/{deviceId}';
    const user = await person('delete');
    const other = await login(shared.http, user.userId, PASSWORD);
    const where = path('devices', other.deviceId);
    const session = challenge(await user.ask('DELETE', where, { json: {} }), section);
    const wrong = await user.ask('DELETE', where, {
      json: { auth: proof(user, { session, password: 'x' }) },
    });
    same(challenge(wrong, section), session, `${section}: the same session`);
    check(isObject(wrong.json) && wrong.json['errcode'] === 'M_FORBIDDEN', section, wrong.text);
    expectOk(await whoami(other.token), `${section}: nothing has happened yet`);
    same(
      expectOk(await user.ask('DELETE', where, { json: { auth: proof(user, { session }) } }), section),
      {},
      section,
    );
    expectError(await whoami(other.token), 401, 'M_UNKNOWN_TOKEN', section);
    same(ids(await devicesOf(user)), [user.deviceId], section);
    const gone = await user.ask('DELETE', where, { json: { auth: proof(user) } });
    same(expectOk(gone, `${section}: or had been removed previously`), {}, section);
  });

  it('are deleted with an empty body too, after a challenge', async () => {
    const user = await person('empty');
    challenge(await user.ask('DELETE', path('devices', 'ANY')), 'CS API, DELETE /devices/{deviceId}');
  });

  it('are deleted by their own user’s password, not another’s', async () => {
    const section = 'CS API, DELETE /devices/{deviceId}';
    const [user, stranger] = [await person('own'), await person('own')];
    const where = path('devices', user.deviceId);
    challenge(await user.ask('DELETE', where, { json: { auth: proof(stranger) } }), section);
    const strange = await stranger.ask('DELETE', where, { json: { auth: proof(stranger) } });
    same(strange.status, 200, `${section}: it is none of the stranger's`);
    expectOk(await whoami(user.token), section);
    const mail = { type: 'm.login.password', identifier: { type: 'm.id.thirdparty' }, password: PASSWORD };
    expectError(
      await user.ask('DELETE', where, { json: { auth: mail } }),
      403,
      'M_FORBIDDEN',
      'CS API, Password-based: the homeserver must respond with 403 Forbidden',
    );
  });

  it('are not deleted with the session of another request', async () => {
    const section = 'CS API, User-Interactive Authentication API';
    const user = await person('bound');
    const [first, second] = [
      await login(shared.http, user.userId, PASSWORD),
      await login(shared.http, user.userId, PASSWORD),
    ];
    const begun = challenge(await user.ask('DELETE', path('devices', first.deviceId), { json: {} }), section);
    const auth = proof(user, { session: begun });
    const other = await user.ask('DELETE', path('devices', second.deviceId), { json: { auth } });
    assert.notEqual(challenge(other, section), begun, section);
    const json = { devices: [first.deviceId, second.deviceId], auth };
    assert.notEqual(challenge(await user.ask('POST', path('delete_devices'), { json }), section), begun);
    expectOk(await whoami(first.token), section);
    expectOk(await whoami(second.token), section);
  });

  it('are deleted many at once', async () => {
    const section = 'CS API, POST /delete_devices';
    const user = await person('many');
    const others = [
      await login(shared.http, user.userId, PASSWORD),
      await login(shared.http, user.userId, PASSWORD),
    ];
    const devices = [...others.map(({ deviceId }) => deviceId), 'NOBODYS'];
    const where = path('delete_devices');
    const session = challenge(await user.ask('POST', where, { json: { devices } }), section);
    const changed = { devices: [user.deviceId], auth: proof(user, { session }) };
    assert.notEqual(challenge(await user.ask('POST', where, { json: changed }), section), session);
    const json = { devices, auth: proof(user, { session }) };
    same(expectOk(await user.ask('POST', where, { json }), section), {}, section);
    for (const { token } of others) expectError(await whoami(token), 401, 'M_UNKNOWN_TOKEN', section);
    same(ids(await devicesOf(user)), [user.deviceId], section);
    expectError(await user.ask('POST', where, { json: {} }), 400, 'M_MISSING_PARAM', section);
    expectError(await user.ask('POST', where, { json: { devices: 'x' } }), 400, 'M_BAD_JSON', section);
  });
});

describe('an answer that got lost', () => {
  const rule =
    'CS API, UIA: or the result of the API call if all stages were completed when a client retries';

  it('is given again to who asks again with the session, and nobody else', async () => {
    const user = await person('lost');
    const [first, second] = [
      await login(shared.http, user.userId, PASSWORD),
      await login(shared.http, user.userId, PASSWORD),
    ];
    const deletion = async (method: string, where: string, json: Json) => {
      const session = challenge(await user.ask(method, where, { json }), rule);
      const last = { json: { ...json, auth: proof(user, { session }) } };
      for (let time = 0; time < 3; time++)
        same(expectOk(await user.ask(method, where, last), rule), {}, rule);
      const alone = { json: { ...json, auth: { session } } };
      same(expectOk(await user.ask(method, where, alone), rule), {}, rule);
      challenge(await user.ask('DELETE', path('devices', first.deviceId), last), `${rule}; another request`);
      return last;
    };
    await deletion('POST', path('delete_devices'), { devices: [second.deviceId] });
    const last = await deletion('DELETE', path('devices', 'NOBODYS'), {});
    const stranger = await person('lost');
    challenge(await stranger.ask('DELETE', path('devices', 'NOBODYS'), last), `${rule}; another user`);
    expectOk(await whoami(first.token), rule);
  });

  it('of a password change is given again, and the password stays', async () => {
    const user = await person('lost');
    const json = { new_password: OTHER, logout_devices: false };
    const where = path('account', 'password');
    const session = challenge(await user.ask('POST', where, { json }), rule);
    const last = { json: { ...json, auth: proof(user, { session }) } };
    for (let time = 0; time < 2; time++) same(expectOk(await user.ask('POST', where, last), rule), {}, rule);
    await login(shared.http, user.userId, OTHER);
  });
});

describe('changing the password', () => {
  const section = 'CS API, POST /account/password';
  const where = path('account', 'password');
  const canLogIn = async (user: Client, password: string): Promise<number> => {
    const identifier = { type: 'm.id.user', user: user.userId };
    const json = { type: 'm.login.password', identifier, password };
    return (await shared.http.ask('POST', path('login'), { json })).status;
  };

  it('asks for the old one, logs other devices out and keeps the one that asked', async () => {
    const user = await person('change');
    const other = await login(shared.http, user.userId, PASSWORD);
    const session = challenge(await user.ask('POST', where, { json: { new_password: OTHER } }), section);
    const json = { new_password: OTHER, auth: proof(user, { session }) };
    same(expectOk(await user.ask('POST', where, { json }), section), {}, section);
    expectOk(await whoami(user.token), `${section}: the access token in the request`);
    expectError(await whoami(other.token), 401, 'M_UNKNOWN_TOKEN', `${section}: logout_devices`);
    same([await canLogIn(user, PASSWORD), await canLogIn(user, OTHER)], [403, 200], section);
  });

  it('leaves the others where logout_devices is false', async () => {
    const user = await person('leave');
    const other = await login(shared.http, user.userId, PASSWORD);
    const json = { new_password: OTHER, logout_devices: false, auth: proof(user) };
    expectOk(await user.ask('POST', where, { json }), section);
    expectOk(await whoami(other.token), section);
  });

  it('does not set another password than the one that was asked for first', async () => {
    const user = await person('swap');
    const session = challenge(await user.ask('POST', where, { json: { new_password: OTHER } }), section);
    const json = { new_password: 'yet another password', auth: proof(user, { session }) };
    assert.notEqual(challenge(await user.ask('POST', where, { json }), section), session);
    same(await canLogIn(user, PASSWORD), 200, section);
  });

  it('works without an access token: the password shows who it is', async () => {
    const user = await person('anonymous');
    const first = await shared.http.ask('POST', where, { json: { new_password: OTHER } });
    const session = challenge(first, section);
    const json = { new_password: OTHER, auth: proof(user, { session }) };
    expectOk(await shared.http.ask('POST', where, { json }), section);
    expectError(await whoami(user.token), 401, 'M_UNKNOWN_TOKEN', `${section}: no device asked`);
    same(await canLogIn(user, OTHER), 200, section);
  });

  it('refuses a token that is not good, a password that is none, and one that is missing', async () => {
    const user = await person('bad');
    const bad = { token: 'mln_bad', json: { new_password: OTHER } };
    expectError(await shared.http.ask('POST', where, bad), 401, 'M_UNKNOWN_TOKEN', section);
    expectError(
      await user.ask('POST', where, { json: { new_password: '' } }),
      400,
      'M_WEAK_PASSWORD',
      section,
    );
    expectError(await user.ask('POST', where, { json: {} }), 400, 'M_MISSING_PARAM', section);
    expectError(await user.ask('POST', where, { json: { new_password: 1 } }), 400, 'M_BAD_JSON', section);
  });

  it('gives up after too many guesses only where limits are on', async () => {
    const user = await person('guess');
    const session = challenge(await user.ask('POST', where, { json: { new_password: OTHER } }), section);
    for (let i = 0; i < 12; i += 1) {
      const json = { new_password: OTHER, auth: proof(user, { session, password: `guess ${i}` }) };
      same(challenge(await user.ask('POST', where, { json }), section), session, section);
    }
  });
});
