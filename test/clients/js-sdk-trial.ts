/**
 * matrix-js-sdk against a running Milena. Started by run.ts with the server's URL and a folder to run in, where
 * the SDK is installed. Says `pass NAME`, `fail NAME: REASON`; `restart` asks for a restart of the server, which
 * run.ts reports with a line on standard input.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ClientEvent,
  createClient,
  EventTimeline,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  Preset,
  type Room,
  RoomMemberEvent,
  SyncState,
} from 'matrix-js-sdk';
import { baseUrl, equal, restartServer, stem, step, trial, until } from './trial.ts';

const quiet = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  log() {},
  getChild: () => quiet,
};

async function newcomer(name: string, initialSyncLimit = 8): Promise<MatrixClient> {
  const anonymous = createClient({ baseUrl, logger: quiet });
  const made = await anonymous.registerRequest({
    username: `${name}-${stem}`,
    password: 'a password for the trial',
    auth: { type: 'm.login.dummy' },
  });
  if (made.access_token === undefined || made.device_id === undefined) throw new Error('no token');
  return started(made.user_id, made.access_token, made.device_id, initialSyncLimit);
}

async function started(
  userId: string,
  accessToken: string,
  deviceId: string,
  limit: number,
): Promise<MatrixClient> {
  const client = createClient({
    baseUrl,
    userId,
    accessToken,
    deviceId,
    logger: quiet,
    timelineSupport: true,
  });
  await client.startClient({ initialSyncLimit: limit });
  await until(`${userId} is in sync`, () => client.getSyncState() !== null && client.isInitialSyncComplete());
  return client;
}

const timeline = (client: MatrixClient, roomId: string): MatrixEvent[] =>
  client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];

const bodies = (client: MatrixClient, roomId: string): string[] =>
  timeline(client, roomId)
    .filter((event) => event.getType() === EventType.RoomMessage && !event.isRedacted())
    .map((event) => String(event.getContent()['body']));

async function say(client: MatrixClient, roomId: string, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++)
    await client.sendEvent(roomId, EventType.RoomMessage, { msgtype: MsgType.Text, body: `message ${i}` });
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `message ${from + i}`);

async function chat(alice: MatrixClient, bob: MatrixClient, roomId: string): Promise<void> {
  await step('sends and receives twenty messages in order', async () => {
    await say(alice, roomId, 0, 20);
    await until('the last message', () => bodies(bob, roomId).includes('message 19'));
    equal(bodies(bob, roomId).slice(-20), numbered(0, 20), 'in order, each once');
  });
  await step('counts unread messages and forgets them with a receipt', async () => {
    const room = await until('the room', () => bob.getRoom(roomId));
    await until('20 unread', () => room.getUnreadNotificationCount() === 20);
    await bob.sendReadReceipt(timeline(bob, roomId).at(-1) ?? null);
    await until('none unread', () => room.getUnreadNotificationCount() === 0);
  });
  await step('sees the other typing', async () => {
    const seen = new Promise<void>((resolve) => {
      bob.on(RoomMemberEvent.Typing, (_event, member) => {
        if (member.userId === alice.getUserId() && member.typing) resolve();
      });
    });
    await alice.sendTyping(roomId, true, 5000);
    await Promise.race([seen, sleep(8000).then(() => Promise.reject(new Error('no typing came')))]);
  });
  await step('redacts for both', async () => {
    const event = await until('the event', () =>
      timeline(alice, roomId).find((one) => one.getContent()['body'] === 'message 7'),
    );
    const eventId = event.getId() ?? '';
    await alice.redactEvent(roomId, eventId, undefined, { reason: 'trial' });
    const at = (client: MatrixClient) => client.getRoom(roomId)?.findEventById(eventId);
    await until('redacted at the other side', () => at(bob)?.isRedacted());
    await until('redacted at home', () => at(alice)?.isRedacted());
  });
}

/** A client that comes later and pages back to the beginning of the room. */
async function latecomer(roomId: string): Promise<void> {
  const carol = await newcomer('carol', 5);
  await step('pages back to the start of the room', async () => {
    await carol.joinRoom(roomId);
    const room: Room = await until('the room', () => carol.getRoom(roomId));
    await until('the newest events', () => bodies(carol, roomId).includes('message 19'));
    const live = room.getLiveTimeline();
    for (let pages = 0; pages < 30; pages++)
      if (!(await carol.paginateEventTimeline(live, { backwards: true, limit: 7 }))) break;
    const events = live.getEvents();
    equal(events[0]?.getType(), EventType.RoomCreate, 'the first event');
    equal(live.getPaginationToken(EventTimeline.BACKWARDS), null, 'nothing before it');
    const ids = events.map((event) => event.getId());
    equal(new Set(ids).size, ids.length, 'no event twice');
    equal(
      bodies(carol, roomId),
      numbered(0, 20).filter((body) => body !== 'message 7'),
      'all messages but the redacted one',
    );
  });
  carol.stopClient();
}

async function restart(alice: MatrixClient, bob: MatrixClient, roomId: string): Promise<void> {
  await step('goes on after a restart of the server', async () => {
    const before = bodies(bob, roomId);
    await restartServer();
    alice.retryImmediately();
    bob.retryImmediately();
    await say(alice, roomId, 20, 30);
    await until('the last message', () => bodies(bob, roomId).includes('message 29'), 60_000);
    equal(bodies(bob, roomId), [...before, ...numbered(20, 30)], 'no gap and no repeat');
    equal(bob.getSyncState(), SyncState.Syncing, 'in sync again');
  });
}

async function main(): Promise<void> {
  const [alice, bob] = await step('registers and syncs', () =>
    Promise.all([newcomer('alice'), newcomer('bob', 30)]),
  );
  const roomId = await step('makes a room with a name and an alias', async () => {
    const made = await alice.createRoom({
      preset: Preset.PublicChat,
      name: 'The trial',
      room_alias_name: `trial-${stem}`,
      invite: [bob.getUserId() ?? ''],
    });
    return made.room_id;
  });
  await step('is invited and joins', async () => {
    await until('the invitation', () => bob.getRoom(roomId)?.getMyMembership() === 'invite');
    await bob.joinRoom(`#trial-${stem}:${alice.getDomain()}`);
    const room = await until('joined', () => {
      const seen = bob.getRoom(roomId);
      return seen?.getMyMembership() === 'join' ? seen : undefined;
    });
    await until('the name', () => room.name === 'The trial');
    await until('two members', () => room.getJoinedMemberCount() === 2);
  });
  await chat(alice, bob, roomId);
  await latecomer(roomId);
  await restart(alice, bob, roomId);
  await step('leaves and logs out', async () => {
    await bob.leave(roomId);
    await until('left', () => bob.getRoom(roomId)?.getMyMembership() === 'leave');
    for (const client of [alice, bob]) {
      client.removeAllListeners(ClientEvent.Sync);
      await client.logout(true);
    }
  });
}

await trial(main);
