import { describe, it } from 'node:test';
import { admin, WITH_ADMINS } from '../../support/admin.ts';
import { type Client, freshTransaction, login, path, register } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';
import { twoNodes } from '../../support/two-nodes.ts';

const LOCKING = 'CS API, Account locking';
const SUSPENSION = 'CS API, Account suspension';
const PASSWORD = 'correct horse battery';
const V1 = '/_matrix/client/v1';

const server = sharedServer({ env: WITH_ADMINS });

function where(what: 'lock' | 'suspend', userId: string): string {
  return `${V1}/admin/${what}/${encodeURIComponent(userId)}`;
}

async function set(root: Client, what: 'lock' | 'suspend', userId: string, on: boolean): Promise<void> {
  const json = what === 'lock' ? { locked: on } : { suspended: on };
  const answer = await root.ask('PUT', where(what, userId), { json });
  same(expectOk(answer, `CS API, PUT /admin/${what}/{userId}, 200`), json, `PUT /admin/${what}`);
}

for (const [what, property] of [
  ['lock', 'locked'],
  ['suspend', 'suspended'],
] as const) {
  describe(`GET and PUT /admin/${what}/{userId}`, () => {
    const section = `CS API, /admin/${what}/{userId}`;

    it('say what is so, and change it there and back', async () => {
      const root = await admin(server.http);
      const user = await server.user();
      const read = async () => expectOk(await root.ask('GET', where(what, user.userId)), section);
      same(await read(), { [property]: false }, `${section}: a new account`);
      await set(root, what, user.userId, true);
      same(await read(), { [property]: true }, section);
      await set(root, what, user.userId, true);
      same(await read(), { [property]: true }, `${section}: twice is as once`);
      await set(root, what, user.userId, false);
      same(await read(), { [property]: false }, section);
    });

    it('take a reason for the record', async () => {
      const root = await admin(server.http);
      const user = await server.user();
      const json = { [property]: true, reason: 'spam in many rooms' };
      expectOk(await root.ask('PUT', where(what, user.userId), { json }), section);
    });

    it('refuse whoever is no administrator with 403, before any look-up', async () => {
      const [user, other] = [await server.user(), await server.user()];
      const json = { [property]: true };
      for (const target of [other.userId, '@nobody:localhost', '@somebody:elsewhere.example']) {
        expectError(await user.ask('GET', where(what, target)), 403, 'M_FORBIDDEN', `${section}, 403`);
        expectError(await user.ask('PUT', where(what, target), { json }), 403, 'M_FORBIDDEN', section);
      }
    });

    it('refuse administrators as targets with 403, oneself too', async () => {
      const [root, second] = [await admin(server.http), await admin(server.http)];
      const json = { [property]: true };
      for (const target of [second.userId, root.userId]) {
        expectError(await root.ask('PUT', where(what, target), { json }), 403, 'M_FORBIDDEN', section);
      }
      expectError(await root.ask('GET', where(what, second.userId)), 403, 'M_FORBIDDEN', section);
    });

    it('answer 400 M_INVALID_PARAM for users of other servers', async () => {
      const root = await admin(server.http);
      const target = where(what, '@somebody:elsewhere.example');
      const json = { [property]: true };
      expectError(await root.ask('GET', target), 400, 'M_INVALID_PARAM', `${section}, 400`);
      expectError(await root.ask('PUT', target, { json }), 400, 'M_INVALID_PARAM', `${section}, 400`);
    });

    it('answer 404 M_NOT_FOUND for users that do not exist', async () => {
      const root = await admin(server.http);
      const target = where(what, '@nobody-at-all:localhost');
      const json = { [property]: true };
      expectError(await root.ask('GET', target), 404, 'M_NOT_FOUND', `${section}, 404`);
      expectError(await root.ask('PUT', target, { json }), 404, 'M_NOT_FOUND', `${section}, 404`);
    });

    it('want a boolean, and a token', async () => {
      const root = await admin(server.http);
      const user = await server.user();
      const ask = (json: unknown) => root.ask('PUT', where(what, user.userId), { json });
      expectError(await ask({}), 400, ['M_MISSING_PARAM', 'M_BAD_JSON'], section);
      expectError(await ask({ [property]: 'yes' }), 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], section);
      const none = await server.http.ask('GET', where(what, user.userId));
      expectError(none, 401, 'M_MISSING_TOKEN', section);
    });
  });
}

describe('a locked account', () => {
  it('gets 401 M_USER_LOCKED with soft_logout everywhere, and its token lives on when unlocked', async () => {
    const root = await admin(server.http);
    const user = await server.user();
    const roomId = await user.createRoom();
    await set(root, 'lock', user.userId, true);
    const asks: readonly (readonly [string, string, unknown?])[] = [
      ['GET', path('account', 'whoami')],
      ['GET', path('sync')],
      ['GET', path('rooms', roomId, 'state')],
      [
        'PUT',
        path('rooms', roomId, 'send', 'm.room.message', freshTransaction()),
        { msgtype: 'm.text', body: 'x' },
      ],
      ['POST', path('createRoom'), {}],
    ];
    for (const [method, to, json] of asks) {
      const body = expectError(await user.ask(method, to, { json }), 401, 'M_USER_LOCKED', LOCKING);
      same(body['soft_logout'], true, `${LOCKING}: soft_logout`);
    }
    await set(root, 'lock', user.userId, false);
    expectOk(
      await user.ask('GET', path('account', 'whoami')),
      `${LOCKING}: access tokens are not invalidated`,
    );
  });

  it('is refused where no token is needed, too, while other tokens do no harm there', async () => {
    const root = await admin(server.http);
    const [user, other] = [await server.user(), await server.user()];
    await set(root, 'lock', user.userId, true);
    const open = [
      path('profile', other.userId),
      path('profile', user.userId),
      path('publicRooms'),
      `${path('register', 'available')}?username=somebody-new`,
      path('login'),
      '/_matrix/client/versions',
    ];
    for (const to of open) {
      const rule = `${LOCKING}: on all but the following: ${to}`;
      same(expectError(await user.ask('GET', to), 401, 'M_USER_LOCKED', rule)['soft_logout'], true, rule);
      const query = `${to}${to.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(user.token)}`;
      expectError(await server.http.ask('GET', query), 401, 'M_USER_LOCKED', rule);
      if (to === path('profile', user.userId)) continue;
      expectOk(await other.ask('GET', to), `${to} with the token of somebody else`);
      expectOk(await server.http.ask('GET', to), `${to} without a token`);
    }
    const unknown = { token: 'nobody-has-this' };
    expectOk(await server.http.ask('GET', path('profile', other.userId), unknown), 'an unknown token');
    await set(root, 'lock', user.userId, false);
    expectOk(await user.ask('GET', path('profile', other.userId)), `${LOCKING}: unlocked`);
  });

  it('may log out, and log out everywhere', async () => {
    const root = await admin(server.http);
    for (const to of [path('logout'), path('logout', 'all')]) {
      const user = await server.user();
      await set(root, 'lock', user.userId, true);
      expectOk(await user.ask('POST', to, { json: {} }), `${LOCKING}: but the following APIs`);
      await set(root, 'lock', user.userId, false);
      expectError(await user.ask('GET', path('account', 'whoami')), 401, 'M_UNKNOWN_TOKEN', LOCKING);
    }
  });

  it('cannot log in until it is unlocked, and a wrong password does not tell that it is locked', async () => {
    const root = await admin(server.http);
    const user = await server.user();
    await set(root, 'lock', user.userId, true);
    const ask = (password: string) =>
      server.http.ask('POST', path('login'), {
        json: { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.userId }, password },
      });
    const body = expectError(await ask(PASSWORD), 401, 'M_USER_LOCKED', 'CS API, Soft logout (1.12)');
    same(body['soft_logout'], true, LOCKING);
    expectError(await ask('wrong'), 403, 'M_FORBIDDEN', 'CS API, POST /login, 403');
    await set(root, 'lock', user.userId, false);
    await login(server.http, user.userId, PASSWORD);
  });

  it('has its waiting sync ended by the lock', async () => {
    const root = await admin(server.http);
    const user = await server.user();
    const { next_batch } = await user.sync();
    const waiting = user.ask('GET', `${path('sync')}?timeout=20000&since=${encodeURIComponent(next_batch)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await set(root, 'lock', user.userId, true);
    expectError(await waiting, 401, 'M_USER_LOCKED', LOCKING);
  });
});

describe('a suspended account', () => {
  const refused = (answer: Parameters<typeof expectError>[0], doing: string) =>
    expectError(answer, 403, 'M_USER_SUSPENDED', `${SUSPENSION}: ${doing}`);

  it('may not join, knock, invite, send, change its profile, or redact others’ events', async () => {
    const root = await admin(server.http);
    const [user, other] = [await server.user(), await server.user()];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await other.join(roomId);
    const theirs = await other.say(roomId, 'hello');
    const elsewhere = await other.createRoom({ preset: 'public_chat' });
    await set(root, 'suspend', user.userId, true);
    const put = (to: string, json: unknown) => user.ask('PUT', to, { json });
    const post = (to: string, json: unknown) => user.ask('POST', to, { json });
    refused(await post(path('join', elsewhere), {}), 'joining');
    refused(await post(path('rooms', elsewhere, 'join'), {}), 'joining');
    refused(await post(path('rooms', roomId, 'invite'), { user_id: root.userId }), 'sending invites');
    refused(await post(path('createRoom'), {}), 'making rooms');
    const message = { msgtype: 'm.text', body: 'x' };
    refused(
      await put(path('rooms', roomId, 'send', 'm.room.message', freshTransaction()), message),
      'sending',
    );
    refused(await put(path('rooms', roomId, 'state', 'm.room.topic', ''), { topic: 'x' }), 'state');
    for (const field of ['displayname', 'avatar_url']) {
      refused(
        await put(path('profile', user.userId, field), { [field]: 'mxc://localhost/x' }),
        'profile data',
      );
    }
    refused(await user.ask('DELETE', path('profile', user.userId, 'displayname')), 'profile data');
    refused(
      await put(path('rooms', roomId, 'redact', theirs, freshTransaction()), {}),
      'redacting others’ events',
    );
    const redaction = path('rooms', roomId, 'send', 'm.room.redaction', freshTransaction());
    refused(await put(redaction, { redacts: theirs }), 'redacting others’ events by /send');
  });

  it('may not accept an invitation, but reject it', async () => {
    const root = await admin(server.http);
    const [user, other] = [await server.user(), await server.user()];
    const roomId = await other.createRoom({ invite: [user.userId] });
    await set(root, 'suspend', user.userId, true);
    refused(await user.ask('POST', path('join', roomId), { json: {} }), 'accepting invites');
    await user.leave(roomId);
  });

  it('may read, receive, redact its own events and leave', async () => {
    const root = await admin(server.http);
    const [user, other] = [await server.user(), await server.user()];
    const roomId = await user.createRoom({ preset: 'public_chat' });
    await other.join(roomId);
    const own = [await user.say(roomId, 'one'), await user.say(roomId, 'two')] as const;
    const { next_batch } = await user.sync();
    await set(root, 'suspend', user.userId, true);
    const seen = await other.say(roomId, 'news');
    await user.syncUntil(
      next_batch,
      (sync) =>
        sync.rooms?.join?.[roomId]?.timeline?.events.some(({ event_id }) => event_id === seen) === true,
    );
    await user.messages(roomId, { dir: 'b' });
    await user.redact(roomId, own[0]);
    const redaction = path('rooms', roomId, 'send', 'm.room.redaction', freshTransaction());
    expectOk(
      await user.ask('PUT', redaction, { json: { redacts: own[1] } }),
      `${SUSPENSION}: redact own events`,
    );
    const receipt = path('rooms', roomId, 'receipt', 'm.read', seen);
    expectOk(await user.ask('POST', receipt, { json: {} }), `${SUSPENSION}: receive messages`);
    await user.leave(roomId);
  });

  it('may log in, with sessions that are suspended too, and log out', async () => {
    const root = await admin(server.http);
    const user = await server.user();
    await set(root, 'suspend', user.userId, true);
    const second = await login(server.http, user.userId, PASSWORD);
    refused(
      await second.ask('POST', path('createRoom'), { json: {} }),
      'additional sessions are also suspended',
    );
    await second.logout();
    await set(root, 'suspend', user.userId, false);
    await user.createRoom();
  });

  it('is still refused after the lock that came over it ended', async () => {
    const root = await admin(server.http);
    const user = await server.user();
    await set(root, 'suspend', user.userId, true);
    await set(root, 'lock', user.userId, true);
    expectError(await user.ask('POST', path('createRoom'), { json: {} }), 401, 'M_USER_LOCKED', LOCKING);
    await set(root, 'lock', user.userId, false);
    refused(await user.ask('POST', path('createRoom'), { json: {} }), 'the suspension goes on');
  });
});

describe('the capability m.account_moderation', () => {
  it('is there for administrators and left out for everybody else', async () => {
    const section = 'CS API, GET /capabilities, m.account_moderation';
    const [root, user] = [await admin(server.http), await server.user()];
    const of = async (who: Client) => {
      const { capabilities } = expectOk(await who.ask('GET', path('capabilities')), section);
      return Object(capabilities)['m.account_moderation'];
    };
    same(await of(root), { suspend: true, lock: true }, section);
    same(await of(user), undefined, section);
  });
});

describe('with two nodes', () => {
  const nodes = twoNodes(WITH_ADMINS);

  it('a lock or suspension at one acts at the other as soon as its tail has it', async () => {
    const rule = 'architecture, section 6: a revocation acts from the tail at once';
    const root = await admin(nodes.one);
    const user = await register(nodes.two);
    const ask = () =>
      user.ask('PUT', path('profile', user.userId, 'displayname'), { json: { displayname: 'x' } });
    for (const [what, status] of [
      ['lock', 401],
      ['suspend', 403],
    ] as const) {
      for (const on of [true, false]) {
        await set(root, what, user.userId, on);
        const start = performance.now();
        while ((await ask()).status !== (on ? status : 200)) {
          check(performance.now() - start < 2_000, `${rule}: ${what} ${on}`);
        }
      }
    }
  });
});
