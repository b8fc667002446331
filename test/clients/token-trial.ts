import { type Client, register, type SyncAnswer } from '../support/client.ts';
import { Http } from '../support/http.ts';

/** What the trial reports. */
export type Say = (name: string, failure?: string) => void;

/**
 * A sync token taken before a restart goes on after it: everything that was sent since comes, once and in order,
 * and so does it for a token that was already used.
 */
export async function tokenTrial(url: () => string, restart: () => Promise<void>, say: Say): Promise<void> {
  const before = new Http(url());
  const [alice, bob] = await Promise.all([register(before), register(before)]);
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
  const first = await bob.sync();
  const sent = [await alice.say(roomId, 'before the restart')];
  const second = await bob.syncUntil(first.next_batch, (answer) => ids(answer, roomId).length > 0);
  before.close();
  await restart();
  const after = new Http(url());
  const [aliceNow, bobNow] = [again(alice, after), again(bob, after)];
  sent.push(await aliceNow.say(roomId, 'after the restart'), await aliceNow.say(roomId, 'and once more'));
  await expectIds(
    bobNow,
    roomId,
    second.next_batch,
    sent.slice(1),
    'a token from before a restart goes on',
    say,
  );
  await expectIds(bobNow, roomId, first.next_batch, sent, 'an older, used token gives the same again', say);
  after.close();
}

async function expectIds(
  client: Client,
  roomId: string,
  since: string,
  expected: readonly string[],
  name: string,
  say: Say,
): Promise<void> {
  const seen: string[] = [];
  let token = since;
  for (let tries = 0; tries < 20 && !seen.includes(expected.at(-1) ?? ''); tries++) {
    const answer = await client.sync({ since: token, timeout: 1000 });
    seen.push(...ids(answer, roomId));
    token = answer.next_batch;
  }
  const same = JSON.stringify(seen) === JSON.stringify(expected);
  say(name, same ? undefined : `expected ${expected.join(' ')}, got ${seen.join(' ')} (CS API, Syncing)`);
}

function ids(answer: SyncAnswer, roomId: string): readonly string[] {
  return (answer.rooms?.join?.[roomId]?.timeline?.events ?? []).map((event) => event.event_id);
}

function again(client: Client, http: Http): Client {
  // The class's constructor is the only way to a second client with the same token.
  return new (client.constructor as typeof Client)(http, client);
}
