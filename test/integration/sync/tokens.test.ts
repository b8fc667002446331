import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Apart, startApart } from '../../support/apart.ts';
import { Client, type ClientEvent, path, register, type SyncAnswer } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { Http } from '../../support/http.ts';
import { MilenaProcess } from '../../support/milena-process.ts';

const rule = 'architecture, section 6: tokens are positions in the log, so they outlive rebuilds';
const MODELS = ['room_state', 'timeline', 'sync', 'accounts', 'directory'];
const SIXTY_DAYS = 60 * 24 * 3_600_000;
const CLOCK = fileURLToPath(new URL('../../support/clock-ahead.js', import.meta.url));
/** The same log and Postgres, other roles, two months later. */
const LATER = {
  roles: 'api,owner,projector,manager',
  env: { NODE_OPTIONS: `--import=${CLOCK}`, MILENA_TEST_CLOCK_AHEAD: String(SIXTY_DAYS) },
};

let apart: Apart;
let later: MilenaProcess | undefined;
const opened: Http[] = [];

before(async () => {
  apart = await startApart({ roles: ['api', 'owner,projector,manager'] });
});
after(async () => {
  for (const http of opened) http.close();
  await later?.stop().catch(() => undefined);
  await apart[Symbol.asyncDispose]();
});

function at(url: string): Http {
  const http = new Http(url);
  opened.push(http);
  return http;
}

const across = (client: Client, http: Http): Client => new Client(http, client);
const ids = (events: readonly ClientEvent[] | undefined) => (events ?? []).map(({ event_id }) => event_id);

/** What an answer tells, without what depends on the hour. */
function told(answer: SyncAnswer): unknown {
  const plain: unknown = JSON.parse(
    JSON.stringify(answer, (key, value) => (key === 'age' || key === 'next_batch' ? undefined : value)),
  );
  return plain;
}

/** Ends the processes and starts one with all roles, whose clock has gone on. */
async function startLater(): Promise<Http> {
  const { plan } = apart.process('owner');
  const port = apart.process('api').plan.env['MILENA_PORT'];
  await apart.stop();
  const env = { ...plan.env, MILENA_PORT: String(port), ...LATER.env };
  const args = ['serve', '--roles', LATER.roles];
  later = new MilenaProcess({ ...plan, args, env, readyUrl: `http://127.0.0.1:${port}/_milena/ready` });
  await later.start();
  return at(`http://127.0.0.1:${port}`);
}

test('tokens survive restart, rebuild and other roles, two months later: no event is missing or comes twice', async () => {
  const http = at(apart.url);
  const [owner, guest, third] = [await register(http), await register(http), await register(http)];
  const one = await owner.createRoom({ preset: 'public_chat', name: 'one' });
  const two = await owner.createRoom({ preset: 'public_chat', name: 'two' });
  const gone = await owner.createRoom({ preset: 'public_chat', name: 'gone' });
  for (const roomId of [one, gone]) await guest.join(roomId);
  const before = await owner.say(one, 'before the token');
  const first = await guest.sync();

  const sent: string[] = [];
  for (let i = 0; i < 30; i++) sent.push(await owner.say(one, String(i)));
  sent.push(await owner.setState(one, 'm.room.topic', '', { topic: 'changed' }));
  await guest.join(two);
  await owner.say(gone, 'the last that the guest sees');
  await guest.leave(gone);
  await owner.invite(await owner.createRoom({ name: 'invited' }), guest.userId);
  const receipt = path('rooms', one, 'receipt', 'm.read', before);
  expectOk(await owner.ask('POST', receipt, { json: {} }), rule);
  const data = path('user', guest.userId, 'account_data', 'org.example.data');
  expectOk(await guest.ask('PUT', data, { json: { kept: true } }), rule);
  const filter = { room: { timeline: { limit: 10 } } };
  const asked = [
    { since: first.next_batch, filter },
    { since: first.next_batch, filter: { room: { timeline: { limit: 100 } } } },
    { since: first.next_batch, filter, query: { use_state_after: 'true' } },
    { since: first.next_batch, filter: { room: { state: { lazy_load_members: true } } } },
    { filter },
  ];
  const expected = [];
  for (const how of asked) expected.push(told(await guest.sync(how)));

  const now = await startLater();
  const later = across(guest, now);
  const [clock] = (await across(third, now).sync()).account_data?.events ?? [];
  check(clock !== undefined, 'a first sync has push rules', clock);
  for (const [index, how] of asked.entries())
    same(told(await later.sync(how)), expected[index], `${rule}: after the restart, question ${index}`);
  for (const model of MODELS) {
    const { code, stderr } = await apart.milena('owner', ['rebuild', model], 120_000);
    check(code === 0, `milena rebuild ${model}`, stderr);
  }
  for (const [index, how] of asked.entries())
    same(told(await later.sync(how)), expected[index], `${rule}: after the rebuild, question ${index}`);

  const said = await across(owner, now).say(one, 'two months later');
  const next = await later.sync({ since: first.next_batch, filter });
  const room = next.rooms?.join?.[one];
  same(ids(room?.timeline?.events), [...sent, said].slice(-10), rule);
  const { origin_server_ts: sentAt = 0 } = room?.timeline?.events.at(-1) ?? {};
  check(sentAt - Date.now() > SIXTY_DAYS - 3_600_000, 'the clock has gone on', sentAt);
  const gap = await later.messages(one, {
    dir: 'b',
    from: room?.timeline?.prev_batch ?? '',
    to: first.next_batch,
    limit: '100',
  });
  same(ids(gap.chunk).toReversed(), [...sent, said].slice(0, -10), `${rule}: and fill the gap`);
  same(
    told(await later.sync({ since: next.next_batch })),
    told(await later.sync({ since: next.next_batch })),
    rule,
  );
  const waiting = later.sync({ since: next.next_batch, timeout: 10_000 });
  const woken = await across(owner, now).say(one, 'wake up');
  same(ids((await waiting).rooms?.join?.[one]?.timeline?.events), [woken], 'and wait for what comes');
});
