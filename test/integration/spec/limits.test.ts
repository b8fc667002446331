import { describe, it } from 'node:test';
import { type Client, freshName, freshTransaction, type Json, path, register } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import type { Answer } from '../../support/http.ts';
import { sharedServer } from '../../support/shared-server.ts';

const ROBOT = `robot-${process.pid}`;
/** Two of each, and the third is refused. */
const shared = sharedServer({
  env: {
    MILENA_RATE_LIMITS: 'on',
    MILENA_RATE_REGISTRATION: '1000/hour',
    MILENA_RATE_LOGIN_ADDRESS: '1000/hour',
    MILENA_RATE_LOGIN_ACCOUNT: '2/hour',
    MILENA_RATE_SEND: '2/hour',
    MILENA_RATE_MEMBERSHIP: '2/hour',
    MILENA_RATE_NOTICE: '2/hour',
    MILENA_RATE_LOOKUP: '2/hour',
    MILENA_RATE_CREATE_ROOM: '2/hour',
    MILENA_RATE_PROFILE: '2/hour',
    MILENA_RATE_REQUEST: '2/hour',
    MILENA_RATE_EXCEPTIONS: `@${ROBOT}:localhost,@busy-${process.pid}:localhost=2`,
  },
});
const section = 'CS API, Rate limiting';

/** Asks thrice; the third time is once too often. */
async function thrice(what: string, ask: () => Promise<Answer>): Promise<void> {
  for (let i = 0; i < 2; i += 1) check((await ask()).status !== 429, `${section}: ${what}, not yet`);
  isLimited(what, await ask());
}

function isLimited(what: string, answer: Answer): void {
  const body = expectError(answer, 429, 'M_LIMIT_EXCEEDED', `${section}: ${what}`);
  const after = Number(answer.headers['retry-after']);
  check(Number.isInteger(after) && after > 0, `${section}: the Retry-After header`, answer.headers);
  // Deprecated, and what older clients heed.
  const ms = body['retry_after_ms'];
  check(typeof ms === 'number' && Math.ceil(ms / 1_000) === after, `${section}: retry_after_ms`, body);
}

describe('what is limited answers 429 with the time to wait', () => {
  /** By name: a request with a user and a room of theirs. */
  const asks: Readonly<Record<string, (user: Client, roomId: string) => Promise<Answer>>> = {
    'sending messages': (user, roomId) =>
      user.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', freshTransaction()), {
        json: { msgtype: 'm.text', body: 'x' },
      }),
    'sending state': (user, roomId) =>
      user.ask('PUT', path('rooms', roomId, 'state', 'm.room.topic', ''), { json: { topic: freshName() } }),
    redacting: (user, roomId) =>
      user.ask('PUT', path('rooms', roomId, 'redact', '$none', freshTransaction()), { json: {} }),
    'joining by path': (user, roomId) => user.ask('POST', path('join', roomId), { json: {} }),
    joining: (user, roomId) => user.ask('POST', path('rooms', roomId, 'join'), { json: {} }),
    knocking: (user, roomId) => user.ask('POST', path('knock', roomId), { json: {} }),
    aliases: (user, roomId) => user.ask('GET', path('rooms', roomId, 'aliases')),
    inviting: (user, roomId) =>
      user.ask('POST', path('rooms', roomId, 'invite'), { json: { user_id: '@nobody:localhost' } }),
    'a display name': (user) =>
      user.ask('PUT', path('profile', user.userId, 'displayname'), { json: { displayname: freshName() } }),
    'push rules': (user) =>
      user.ask('PUT', path('pushrules', 'global', 'room', '!x:y'), { json: { actions: [] } }),
    receipts: (user, roomId) =>
      user.ask('POST', path('rooms', roomId, 'receipt', 'm.read', '$none'), { json: {} }),
    typing: (user, roomId) =>
      user.ask('PUT', path('rooms', roomId, 'typing', user.userId), { json: { typing: false } }),
    leaving: (user, roomId) => user.ask('POST', path('rooms', roomId, 'leave'), { json: {} }),
    whoami: (user) => user.ask('GET', path('account', 'whoami')),
    capabilities: (user) => user.ask('GET', path('capabilities')),
  };
  for (const [what, ask] of Object.entries(asks)) {
    it(what, async () => {
      const user = await shared.user();
      const roomId = await user.createRoom();
      await thrice(what, () => ask(user, roomId));
    });
  }

  it('new rooms', async () => {
    const user = await shared.user();
    await thrice('new rooms', () => user.ask('POST', path('createRoom'), { json: {} }));
  });

  it('guesses of a password', async () => {
    const user = await shared.user();
    const identifier: Json = { type: 'm.id.user', user: user.userId };
    const json = { type: 'm.login.password', identifier, password: 'wrong' };
    await thrice('guesses of a password', () => shared.http.ask('POST', path('login'), { json }));
  });
});

describe('limits', () => {
  const say = (user: Client, roomId: string) =>
    user.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', freshTransaction()), {
      json: { msgtype: 'm.text', body: 'x' },
    });

  it('of one user are not those of another', async () => {
    const [one, other] = await Promise.all([shared.user(), shared.user()]);
    const roomId = await one.createRoom({ preset: 'public_chat' });
    await other.join(roomId);
    await thrice('sending', () => say(one, roomId));
    expectOk(await say(other, roomId), section);
  });

  it('do not hold for those whom the operator has named, or are wider', async () => {
    const robot = await register(shared.http, ROBOT);
    const busy = await register(shared.http, `busy-${process.pid}`);
    const roomId = await robot.createRoom({ preset: 'public_chat' });
    await busy.join(roomId);
    for (let i = 0; i < 8; i += 1) expectOk(await say(robot, roomId), `${section}: no limit`);
    const statuses: number[] = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await say(busy, roomId)).status);
    same(statuses, [200, 200, 200, 200, 429], `${section}: twice the usual`);
  });
});
