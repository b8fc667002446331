import { describe, it } from 'node:test';
import { type Client, freshName, freshTransaction, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import type { Answer } from '../../support/http.ts';
import { sharedServer } from '../../support/shared-server.ts';

const section = 'CS API, Size limits';

describe('sizes', () => {
  const shared = sharedServer();

  const put = (user: Client, roomId: string, type: string, json: Json) =>
    user.ask('PUT', path('rooms', roomId, 'send', type, freshTransaction()), { json });

  it('an event fits up to a limit that counts all of it, and is refused from there on', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const fits = async (length: number): Promise<boolean> => {
      const answer = await put(owner, roomId, 'org.example.big', { b: 'x'.repeat(length) });
      if (answer.status === 200) return true;
      expectError(answer, 413, 'M_TOO_LARGE', section);
      return false;
    };
    // Somewhere in here is the last length that fits: the frame of an event is 400 to 2,000 bytes.
    let [good, bad] = [63_000, 65_537];
    check(await fits(good), `${section}: 63,000 bytes of content fit`, good);
    check(!(await fits(bad)), `${section}: more than 65,536 bytes`, bad);
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (await fits(middle)) good = middle;
      else bad = middle;
    }
    const state = await owner.ask('PUT', path('rooms', roomId, 'state', 'org.example.big', ''), {
      json: { b: 'x'.repeat(bad) },
    });
    expectError(state, 413, 'M_TOO_LARGE', `${section}: state events too`);
  });

  it('bytes are counted in UTF-8, after the canonical form', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    expectError(
      await put(owner, roomId, 'org.example.big', { b: '€'.repeat(22_000) }),
      413,
      'M_TOO_LARGE',
      `${section}: three bytes each`,
    );
    const escaped = `{"b":"${'\\u0041'.repeat(20_000)}"}`;
    const answer = await owner.ask(
      'PUT',
      path('rooms', roomId, 'send', 'org.example.big', freshTransaction()),
      { raw: escaped },
    );
    expectOk(answer, `${section}: 120,000 bytes on the wire are 20,000 in canonical JSON`);
  });

  it('a type and a state key may have 255 bytes', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const tooLarge = ['M_TOO_LARGE', 'M_INVALID_PARAM', 'M_BAD_JSON'];
    for (const [letter, most] of [
      ['x', 255],
      ['ä', 127],
    ] as const) {
      expectOk(await put(owner, roomId, letter.repeat(most), {}), `${section}, type: 255 bytes`);
      expectError(
        await put(owner, roomId, letter.repeat(most + 1), {}),
        [400, 413],
        tooLarge,
        `${section}, type: more than 255 bytes`,
      );
      const state = (key: string) =>
        owner.ask('PUT', path('rooms', roomId, 'state', 'org.example.keyed', key), { json: {} });
      expectOk(await state(letter.repeat(most)), `${section}, state_key: 255 bytes`);
      expectError(
        await state(letter.repeat(most + 1)),
        [400, 413],
        tooLarge,
        `${section}, state_key: more than 255 bytes`,
      );
    }
  });

  it('what createRoom puts into a room is held to the same limits, and nothing is left behind', async () => {
    const owner = await shared.user();
    for (const body of [
      { name: 'x'.repeat(70_000) },
      { initial_state: [{ type: 'x'.repeat(256), content: {} }] },
      { initial_state: [{ type: 'org.example.keyed', state_key: 'x'.repeat(256), content: {} }] },
      { creation_content: { 'org.example.big': 'x'.repeat(70_000) } },
    ])
      expectError(
        await owner.ask('POST', path('createRoom'), { json: body }),
        [400, 413],
        ['M_TOO_LARGE', 'M_INVALID_ROOM_STATE', 'M_BAD_JSON', 'M_INVALID_PARAM'],
        `${section}, POST createRoom`,
      );
    same((await owner.get200('GET', path('joined_rooms')))['joined_rooms'], [], section);
  });

  it('a transaction ID, a reason and other long words are taken or refused, never a fault', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const answers: readonly Answer[] = [
      await owner.ask('PUT', path('rooms', roomId, 'send', 'm.x', 't'.repeat(3_000)), { json: {} }),
      await owner.ask('POST', path('rooms', roomId, 'leave'), { json: { reason: 'r'.repeat(70_000) } }),
      await owner.ask('GET', path('rooms', roomId, 'state', 'x'.repeat(4_000), '')),
      await owner.ask('GET', path('directory', 'room', `#${'a'.repeat(4_000)}:${shared.serverName}`)),
    ];
    for (const answer of answers)
      check(answer.status < 500, 'CS API, Standard error response: never a 5xx', answer.text.slice(0, 200));
  });
});

describe('tokens', () => {
  const shared = sharedServer();

  it('are missing (M_MISSING_TOKEN) or unknown (M_UNKNOWN_TOKEN), on every route about rooms', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const said = await owner.say(roomId, 'x');
    const room = (...parts: readonly string[]) => path('rooms', roomId, ...parts);
    const routes = [
      ['POST', path('createRoom')],
      ['POST', path('join', roomId)],
      ['POST', path('knock', roomId)],
      ['GET', path('joined_rooms')],
      ['GET', path('events', said)],
      ['POST', path('publicRooms')],
      ['PUT', path('directory', 'room', `#a:${shared.serverName}`)],
      ['DELETE', path('directory', 'room', `#a:${shared.serverName}`)],
      ['PUT', path('directory', 'list', 'room', roomId)],
      ...['join', 'leave', 'forget', 'invite', 'kick', 'ban', 'unban', 'read_markers'].map((what) => [
        'POST',
        room(what),
      ]),
      ...['state', 'members', 'joined_members', 'aliases', 'messages'].map((what) => ['GET', room(what)]),
      ['GET', room('event', said)],
      ['GET', room('context', said)],
      ['GET', room('state', 'm.room.create', '')],
      ['PUT', room('state', 'm.room.topic', '')],
      ['PUT', room('send', 'm.room.message', 't')],
      ['PUT', room('redact', said, 't')],
      ['PUT', room('typing', owner.userId)],
      ['POST', room('receipt', 'm.read', said)],
      ['GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=0&dir=f`],
    ] as const;
    for (const [method, where] of routes as readonly (readonly [string, string])[]) {
      const json = method === 'GET' || method === 'DELETE' ? {} : { json: {} };
      const rule = `CS API, Using access tokens (${method} ${where})`;
      expectError(await shared.http.ask(method, where, json), 401, 'M_MISSING_TOKEN', rule);
      const body = expectError(
        await shared.http.ask(method, where, { ...json, token: 'syt_nobody_has_this' }),
        401,
        'M_UNKNOWN_TOKEN',
        rule,
      );
      check(body['soft_logout'] !== true, 'CS API, Soft logout: not of tokens that never were', body);
    }
  });
});

describe('too many requests', () => {
  const shared = sharedServer({
    env: {
      MILENA_RATE_LIMITS: 'on',
      MILENA_RATE_SEND: '20/minute',
      MILENA_RATE_MEMBERSHIP: '20/minute',
      MILENA_RATE_NOTICE: '20/minute',
      MILENA_RATE_LOOKUP: '20/minute',
    },
  });
  const rule = 'CS API, Rate limiting';

  /** Asks on until the server says that it is too much. */
  async function limited(ask: (n: number) => Promise<Answer>, most = 60): Promise<Answer | undefined> {
    for (let n = 0; n < most; n++) {
      const answer = await ask(n);
      if (answer.status === 429) return answer;
    }
    return undefined;
  }

  function expectLimited(answer: Answer | undefined, what: string): void {
    check(answer !== undefined, `${rule}: ${what} has a limit`, what);
    const body = expectError(answer, 429, 'M_LIMIT_EXCEEDED', `${rule}, ${what}`);
    const header = answer.headers['retry-after'];
    check(/^[1-9]\d*$/.test(String(header)), `${rule}, ${what}: Retry-After in whole seconds`, header);
    const wait = body['retry_after_ms'];
    if (wait === undefined) return;
    check(
      Number.isInteger(wait) && Number(wait) > 0 && Number(wait) <= Number(header) * 1_000,
      `${rule}, ${what}: retry_after_ms says the same as the header`,
      [wait, header],
    );
  }

  it('of every kind that the spec limits are refused with 429 and Retry-After', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'public' } }],
    });
    await guest.join(roomId);
    const said = await owner.say(roomId, 'x');
    const room = (...parts: readonly string[]) => path('rooms', roomId, ...parts);
    const kinds: readonly (readonly [string, (n: number) => Promise<Answer>])[] = [
      ['PUT send', (n) => guest.ask('PUT', room('send', 'org.example.x', `t${n}`), { json: {} })],
      ['POST receipt', () => guest.ask('POST', room('receipt', 'm.read', said), { json: {} })],
      ['POST read_markers', () => guest.ask('POST', room('read_markers'), { json: { 'm.read': said } })],
      ['PUT typing', () => guest.ask('PUT', room('typing', guest.userId), { json: { typing: false } })],
      ['GET aliases', () => guest.ask('GET', room('aliases'))],
      [
        'GET timestamp_to_event',
        () =>
          guest.ask(
            'GET',
            `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=0&dir=f`,
          ),
      ],
    ];
    for (const [what, ask] of kinds) expectLimited(await limited(ask), what);
    const other = await shared.user();
    const moves: readonly (readonly [string, (n: number) => Promise<Answer>])[] = [
      ['POST invite', () => owner.ask('POST', room('invite'), { json: { user_id: other.userId } })],
      ['POST join', () => other.ask('POST', room('join'), { json: {} })],
      ['POST join by alias', () => other.ask('POST', path('join', roomId), { json: {} })],
      ['POST knock', () => other.ask('POST', path('knock', roomId), { json: {} })],
      ['POST leave', () => other.ask('POST', room('leave'), { json: {} })],
      ['POST forget', () => other.ask('POST', room('forget'), { json: {} })],
    ];
    for (const [what, ask] of moves) expectLimited(await limited(ask), what);
  });

  it('of one user do not take another’s turn', async () => {
    const [owner, guest] = [await shared.user(freshName('quiet')), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const send = (user: Client) => (n: number) =>
      user.ask('PUT', path('rooms', roomId, 'send', 'org.example.x', `t${n}`), { json: {} });
    expectLimited(await limited(send(guest)), 'PUT send');
    expectOk(await send(owner)(0), `${rule}: limits are each user’s own`);
  });
});
