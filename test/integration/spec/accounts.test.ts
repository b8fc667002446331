import { describe, it } from 'node:test';
import { freshName, isObject, login, path, register, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

const DUMMY = { type: 'm.login.dummy' } as const;
const PASSWORD = 'a long enough password';

describe('registering', () => {
  const section = 'CS API, POST /register';
  const ask = (json: object, query = '') => shared.http.ask('POST', path('register') + query, { json });

  it('takes m.login.dummy in one request without a session', async () => {
    const username = freshName('reg');
    const body = expectOk(await ask({ username, password: PASSWORD, auth: DUMMY }), section);
    same(body['user_id'], `@${username}:${shared.serverName}`, `${section}: user_id`);
    check(text(body, 'access_token').length > 0 && text(body, 'device_id').length > 0, section, body);
  });

  it('answers 401 with flows, params and a session when auth is missing', async () => {
    const answer = await ask({ username: freshName('reg'), password: PASSWORD });
    const uia = 'CS API, User-interactive API in the REST API';
    same(answer.status, 401, `${uia}: expected 401, got ${answer.text}`);
    const body = answer.json;
    check(isObject(body), uia, answer.text);
    check(typeof body['session'] === 'string' || body['session'] === undefined, `${uia}: session`, body);
    const flows = body['flows'];
    check(
      Array.isArray(flows) &&
        flows.some(
          (flow) =>
            isObject(flow) && Array.isArray(flow['stages']) && flow['stages'].includes('m.login.dummy'),
        ),
      `${uia}: a flow with m.login.dummy should be offered`,
      body,
    );
  });

  it('goes on with the session that it gave', async () => {
    const username = freshName('reg');
    const first = await ask({ username, password: PASSWORD });
    check(isObject(first.json), section, first.text);
    const session = first.json['session'];
    const body = expectOk(await ask({ username, password: PASSWORD, auth: { ...DUMMY, session } }), section);
    same(body['user_id'], `@${username}:${shared.serverName}`, section);
  });

  it('gives no device with inhibit_login', async () => {
    const username = freshName('reg');
    const body = expectOk(
      await ask({ username, password: PASSWORD, auth: DUMMY, inhibit_login: true }),
      section,
    );
    check(!('access_token' in body) && !('device_id' in body), `${section}, inhibit_login`, body);
    const device = await login(shared.http, username, PASSWORD);
    same(device.userId, body['user_id'], `${section}: the account exists`);
  });

  it('makes a localpart up where none is given', async () => {
    const body = expectOk(await ask({ password: PASSWORD, auth: DUMMY }), section);
    check(/^@[a-z0-9._=/+-]+:/.test(text(body, 'user_id')), `${section}: MUST generate a local part`, body);
  });

  it('keeps the device_id that the client wants', async () => {
    const body = expectOk(
      await ask({ username: freshName('reg'), password: PASSWORD, auth: DUMMY, device_id: 'MYDEVICE' }),
      section,
    );
    same(body['device_id'], 'MYDEVICE', `${section}, device_id`);
  });

  it('refuses a name that is taken with M_USER_IN_USE', async () => {
    const user = await shared.user('taken');
    const username = user.userId.slice(1, user.userId.indexOf(':'));
    expectError(await ask({ username, password: PASSWORD, auth: DUMMY }), 400, 'M_USER_IN_USE', section);
  });

  it('refuses a name outside the grammar with M_INVALID_USERNAME', async () => {
    for (const username of ['white space', 'käse', 'a:b', '@a', 'x'.repeat(256), 'tab\t', '#x'])
      expectError(
        await ask({ username, password: PASSWORD, auth: DUMMY }),
        400,
        'M_INVALID_USERNAME',
        `${section}, Appendices, User identifiers (${JSON.stringify(username)})`,
      );
  });

  it('registers one of two who ask for the same name at once', async () => {
    const username = freshName('race');
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => ask({ username, password: PASSWORD, auth: DUMMY })),
    );
    same(
      answers.filter((answer) => answer.status === 200).length,
      1,
      `${section}: exactly one gets the name`,
    );
    for (const answer of answers)
      if (answer.status !== 200) expectError(answer, 400, 'M_USER_IN_USE', section);
  });

  it('says whether a name is free in /register/available', async () => {
    const where = path('register', 'available');
    const available = 'CS API, GET /register/available';
    const free = expectOk(await shared.http.ask('GET', `${where}?username=${freshName('free')}`), available);
    same(free['available'], true, available);
    const user = await shared.user('taken');
    const username = user.userId.slice(1, user.userId.indexOf(':'));
    expectError(
      await shared.http.ask('GET', `${where}?username=${username}`),
      400,
      'M_USER_IN_USE',
      available,
    );
    expectError(await shared.http.ask('GET', `${where}?username=%20`), 400, 'M_INVALID_USERNAME', available);
  });
});

describe('a server whose registration is closed', () => {
  const closed = sharedServer({ env: { MILENA_REGISTRATION: 'closed' } });

  it('refuses to register with 403 M_FORBIDDEN', async () => {
    const answer = await closed.http.ask('POST', path('register'), {
      json: { username: freshName('reg'), password: PASSWORD, auth: DUMMY },
    });
    expectError(answer, 403, 'M_FORBIDDEN', 'CS API, POST /register, 403');
  });

  it('takes every registration token for invalid', async () => {
    const where = '/_matrix/client/v1/register/m.login.registration_token/validity?token=x';
    const section = 'CS API, GET /register/m.login.registration_token/validity, 403';
    expectError(await closed.http.ask('GET', where), 403, 'M_FORBIDDEN', section);
  });
});

describe('logging in and out', () => {
  const section = 'CS API, POST /login';
  const byPassword = (user: string, password: string, more: object = {}) =>
    shared.http.ask('POST', path('login'), {
      json: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password, ...more },
    });

  it('takes the localpart and the whole user ID', async () => {
    const name = freshName('login');
    const first = await register(shared.http, name, PASSWORD);
    for (const user of [name, first.userId]) {
      const body = expectOk(await byPassword(user, PASSWORD), section);
      same(body['user_id'], first.userId, `${section} (${user})`);
      check(body['device_id'] !== first.deviceId, `${section}: a new device each`, body);
    }
  });

  it('still takes the deprecated "user" beside "type"', async () => {
    const name = freshName('login');
    await register(shared.http, name, PASSWORD);
    const answer = await shared.http.ask('POST', path('login'), {
      json: { type: 'm.login.password', user: name, password: PASSWORD },
    });
    expectOk(answer, `${section}: "user" is deprecated, not gone`);
  });

  it('refuses a wrong password and an unknown user alike with 403 M_FORBIDDEN', async () => {
    const name = freshName('login');
    await register(shared.http, name, PASSWORD);
    expectError(await byPassword(name, 'wrong'), 403, 'M_FORBIDDEN', `${section}, 403`);
    expectError(await byPassword(freshName('ghost'), PASSWORD), 403, 'M_FORBIDDEN', `${section}, 403`);
  });

  it('refuses a login type that it does not know with 400', async () => {
    const answer = await shared.http.ask('POST', path('login'), { json: { type: 'com.example.magic' } });
    expectError(
      answer,
      400,
      ['M_UNKNOWN', 'M_INVALID_PARAM', 'M_BAD_JSON', 'M_UNRECOGNIZED'],
      `${section}, 400`,
    );
  });

  it('refuses a request without a type', async () => {
    const answer = await shared.http.ask('POST', path('login'), { json: {} });
    expectError(answer, 400, ['M_MISSING_PARAM', 'M_BAD_JSON'], `${section}: type is required`);
  });

  it('ends the old token of a device when the device logs in anew', async () => {
    const rule = 'CS API, Relationship between access tokens and devices';
    const name = freshName('login');
    const first = await register(shared.http, name, PASSWORD);
    const again = await login(shared.http, name, PASSWORD, first.deviceId);
    same(again.deviceId, first.deviceId, rule);
    expectOk(await again.ask('GET', path('account', 'whoami')), rule);
    expectError(await first.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', rule);
  });

  it('says who one is', async () => {
    const user = await shared.user();
    const body = expectOk(await user.ask('GET', path('account', 'whoami')), 'CS API, GET /account/whoami');
    same(body['user_id'], user.userId, 'CS API, GET /account/whoami: user_id');
    same(body['device_id'], user.deviceId, 'CS API, GET /account/whoami: device_id');
  });

  it('logs one device out and leaves the other in', async () => {
    const rule = 'CS API, POST /logout';
    const name = freshName('login');
    const one = await register(shared.http, name, PASSWORD);
    const other = await login(shared.http, name, PASSWORD);
    expectOk(await one.ask('POST', path('logout')), `${rule}: an empty request body`);
    expectError(await one.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', rule);
    expectOk(await other.ask('GET', path('account', 'whoami')), rule);
  });

  it('logs every device out with logout/all', async () => {
    const rule = 'CS API, POST /logout/all';
    const name = freshName('login');
    const one = await register(shared.http, name, PASSWORD);
    const other = await login(shared.http, name, PASSWORD);
    expectOk(await one.ask('POST', path('logout', 'all')), rule);
    for (const device of [one, other])
      expectError(await device.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', rule);
  });
});

describe('profiles', () => {
  const section = 'CS API, Profiles';

  it('keeps a display name and an avatar', async () => {
    const user = await shared.user();
    const avatar = 'mxc://localhost/abcdef';
    expectOk(
      await user.ask('PUT', path('profile', user.userId, 'displayname'), { json: { displayname: 'Ada L.' } }),
      section,
    );
    expectOk(
      await user.ask('PUT', path('profile', user.userId, 'avatar_url'), { json: { avatar_url: avatar } }),
      section,
    );
    const all = expectOk(await shared.http.ask('GET', path('profile', user.userId)), section);
    same(all['displayname'], 'Ada L.', section);
    same(all['avatar_url'], avatar, section);
    const one = expectOk(await shared.http.ask('GET', path('profile', user.userId, 'displayname')), section);
    same(one, { displayname: 'Ada L.' }, `${section}: an object with one property`);
  });

  it('keeps a field of another name and deletes it, or says in its capabilities that it has none', async () => {
    const rule = 'CS API, m.profile_fields capability';
    const user = await shared.user();
    const where = path('profile', user.userId, 'org.example.colour');
    const json = { 'org.example.colour': { rgb: [1, 2, 3] } };
    const capabilities = (await user.get200('GET', path('capabilities')))['capabilities'];
    const fields = isObject(capabilities) ? capabilities['m.profile_fields'] : undefined;
    check(isObject(fields), `${rule}: without it clients take every field for allowed`, capabilities);
    const allowed = fields['allowed'];
    const enabled =
      fields['enabled'] === true && (!Array.isArray(allowed) || allowed.includes('org.example.colour'));
    const answer = await user.ask('PUT', where, { json });
    if (!enabled) {
      expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403: not among the fields of ${rule}`);
      return;
    }
    expectOk(answer, section);
    same(expectOk(await user.ask('GET', where), section), json, section);
    expectOk(await user.ask('DELETE', where), 'CS API, DELETE /profile/{userId}/{keyName}');
    expectError(await user.ask('GET', where), 404, 'M_NOT_FOUND', section);
  });

  it("refuses to change another's profile with 403 M_FORBIDDEN", async () => {
    const [user, other] = [await shared.user(), await shared.user()];
    const answer = await user.ask('PUT', path('profile', other.userId, 'displayname'), {
      json: { displayname: 'not me' },
    });
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403`);
  });

  it('refuses a body without the property that the path names', async () => {
    const user = await shared.user();
    const answer = await user.ask('PUT', path('profile', user.userId, 'displayname'), {
      json: { name: 'x' },
    });
    expectError(answer, 400, ['M_MISSING_PARAM', 'M_BAD_JSON'], `${section}, 400 M_MISSING_PARAM`);
  });

  it('refuses a display name that is no string', async () => {
    const user = await shared.user();
    const answer = await user.ask('PUT', path('profile', user.userId, 'displayname'), {
      json: { displayname: 1 },
    });
    expectError(answer, 400, ['M_BAD_JSON', 'M_INVALID_PARAM'], `${section}, 400`);
  });

  it('refuses a profile larger than 64 KiB', async () => {
    const user = await shared.user();
    const answer = await user.ask('PUT', path('profile', user.userId, 'org.example.much'), {
      json: { 'org.example.much': 'x'.repeat(70_000) },
    });
    expectError(
      answer,
      [400, 413],
      ['M_PROFILE_TOO_LARGE', 'M_TOO_LARGE'],
      `${section}, M_PROFILE_TOO_LARGE`,
    );
  });

  it('answers for a user that does not exist with 404 M_NOT_FOUND or 403 M_FORBIDDEN', async () => {
    const user = await shared.user();
    const answer = await user.ask('GET', path('profile', `@${freshName('ghost')}:${shared.serverName}`));
    expectError(answer, [403, 404], ['M_NOT_FOUND', 'M_FORBIDDEN'], section);
  });

  it('carries a new display name into the rooms the user is joined to', async () => {
    const rule = 'CS API, Events on Change of Profile Information';
    const user = await shared.user();
    const roomId = await user.createRoom();
    await user.get200('PUT', path('profile', user.userId, 'displayname'), {
      json: { displayname: 'New name' },
    });
    const deadline = performance.now() + 5000;
    for (;;) {
      const member = await user.state(roomId, 'm.room.member', user.userId);
      if (member['displayname'] === 'New name') {
        same(member['membership'], 'join', rule);
        return;
      }
      check(performance.now() < deadline, `${rule}: an m.room.member event goes to every room`, member);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
