import { describe, it } from 'node:test';
import type { Client } from '../../support/client.ts';
import { expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Mutual Rooms';

const ask = (user: Client, query: Readonly<Record<string, string>>) =>
  user.ask('GET', `/_matrix/client/v1/mutual_rooms?${new URLSearchParams(query)}`);

describe('mutual rooms', () => {
  it('are those in which both are joined', async () => {
    const [alice, bob] = [await shared.user('alice'), await shared.user('bob')];
    const both = await alice.createRoom({ preset: 'public_chat' });
    const left = await alice.createRoom({ preset: 'public_chat' });
    await alice.createRoom({ invite: [bob.userId] });
    await bob.createRoom();
    for (const room of [both, left]) await bob.join(room);
    await bob.leave(left);
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const)
      same(
        expectOk(await ask(one, { user_id: other.userId }), section),
        { joined: [both], count: 1 },
        section,
      );
  });

  it('are none with whom nobody knows', async () => {
    const alice = await shared.user('alice');
    await alice.createRoom();
    for (const user_id of ['@nobody-at-all:localhost', '@someone:elsewhere.example'])
      same(
        expectOk(await ask(alice, { user_id }), section),
        { joined: [], count: 0 },
        `${section}: not a valid user: an empty list`,
      );
  });

  it('are refused for oneself, for what is no user ID, and from what is no token: 400', async () => {
    const [alice, bob] = [await shared.user('alice'), await shared.user('bob')];
    const refused: Readonly<Record<string, string>>[] = [
      { user_id: alice.userId },
      { user_id: 'bob' },
      {},
      { user_id: bob.userId, from: 'no token' },
    ];
    for (const query of refused)
      expectError(await ask(alice, query), 400, ['M_INVALID_PARAM', 'M_MISSING_PARAM'], `${section}, 400`);
  });
});
