import { type Client, freshName, login, path, register } from '../support/client.ts';
import type { Http } from '../support/http.ts';
import type { CommandOutcome } from '../support/server.ts';

/** What a way of causing records has in its hands: a server as people and operators have it. */
export interface Hands {
  readonly http: Http;
  readonly serverName: string;
  /** Runs `milena <args>` with some text on its standard input. */
  milena(args: readonly string[], input?: string): Promise<CommandOutcome>;
}

/** How records of some types come onto a log in real use. */
export interface Way {
  /** Names of files in `schemas/`. */
  readonly causes: readonly string[];
  /** What somebody does. */
  readonly what: string;
  /** Does it, with people and rooms of its own. Absent where the server's start does it by itself. */
  readonly act?: (hands: Hands) => Promise<void>;
  /** Set where it takes the command line, which costs a process: it is done once, not over and over. */
  readonly once?: true;
}

/**
 * A real way to cause records of every type in `schemas/`. A new record type needs an entry here: without one
 * `rebuild.test.ts` fails, for no record of it is on the log.
 */
export const ways: readonly Way[] = [
  { causes: ['claim', 'schema', 'content_key'], what: 'the start of an owner, and its first records' },
  { causes: ['user_registered', 'device_added'], what: 'somebody registers', act: registering },
  { causes: ['device_removed'], what: 'somebody logs in on a second device and out again', act: loggingOut },
  {
    causes: ['profile_changed', 'profile_told'],
    what: 'somebody with a room takes a name and an avatar',
    act: naming,
  },
  { causes: ['room_event'], what: 'a room with everything that is done in rooms', act: chatting },
  {
    causes: ['saga_started', 'alias_reserved', 'alias_set', 'room_listed', 'saga_ended'],
    what: 'somebody makes a public room with an alias',
    act: publishing,
  },
  { causes: ['alias_removed'], what: 'somebody gives a room an alias and takes it away', act: aliasing },
  { causes: ['account_data_set'], what: 'somebody keeps account data and a tag', act: keeping },
  { causes: ['filter_set'], what: 'a client stores a filter', act: filtering },
  { causes: ['push_rules_set'], what: 'somebody makes a push rule and switches it off', act: ruling },
  { causes: ['receipt_set'], what: 'somebody reads', act: reading },
  { causes: ['typing'], what: 'somebody begins to type and stops', act: typing },
  { causes: ['password_changed'], what: 'the operator sets a password', act: newPassword, once: true },
  { causes: ['user_deactivated'], what: 'the operator ends an account', act: deactivating, once: true },
  {
    causes: ['user_locked', 'user_suspended'],
    what: 'an administrator locks and suspends somebody, and thinks better of it',
    act: moderating,
    once: true,
  },
];

async function registering({ http }: Hands): Promise<void> {
  await register(http, freshName('new'));
}

async function loggingOut({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('device'), 'a password for two');
  const second = await login(http, user.userId, 'a password for two');
  await second.logout();
}

async function naming({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('named'));
  await user.createRoom();
  await put(user, ['profile', user.userId, 'displayname'], { displayname: `I am ${user.userId}` });
  await put(user, ['profile', user.userId, 'avatar_url'], { avatar_url: 'mxc://localhost/face' });
}

async function chatting({ http }: Hands): Promise<void> {
  const [owner, guest, other] = await people(http, 3);
  const roomId = await owner.createRoom({ preset: 'public_chat', name: 'Everything', topic: 'of all sorts' });
  await guest.join(roomId);
  await owner.invite(roomId, other.userId);
  await other.join(roomId);
  const said = await guest.say(roomId, 'something that is taken back');
  await guest.redact(roomId, said, 'it was wrong');
  await guest.send(roomId, 'm.room.message', {
    msgtype: 'm.text',
    body: `${owner.userId}: look`,
    'm.mentions': { user_ids: [owner.userId], room: true },
  });
  await owner.setState(roomId, 'm.room.topic', '', { topic: 'another' });
  await owner.setState(roomId, 'm.room.history_visibility', '', { history_visibility: 'joined' });
  const who = { user_id: other.userId, reason: 'for a while' };
  for (const what of ['kick', 'ban', 'unban'])
    await owner.get200('POST', path('rooms', roomId, what), { json: who });
  await guest.leave(roomId);
  await guest.join(roomId);
}

async function publishing({ http }: Hands): Promise<void> {
  const [owner, guest] = await people(http, 2);
  await owner.createRoom({
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: freshName('public'),
    invite: [guest.userId],
    name: 'For all',
  });
}

async function aliasing({ http, serverName }: Hands): Promise<void> {
  const [owner] = await people(http, 1);
  const roomId = await owner.createRoom();
  const alias = `#${freshName('alias')}:${serverName}`;
  await put(owner, ['directory', 'room', alias], { room_id: roomId });
  await owner.get200('DELETE', path('directory', 'room', alias));
}

async function keeping({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const theme of ['dark', 'light'])
    await put(user, ['user', user.userId, 'account_data', 'org.example.look'], { theme });
  await put(user, ['user', user.userId, 'rooms', roomId, 'tags', 'm.favourite'], { order: 0.5 });
}

async function filtering({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const filter = { room: { timeline: { limit: 7, types: ['m.room.message'] } } };
  await user.get200('POST', path('user', user.userId, 'filter'), { json: filter });
}

async function ruling({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const rule = ['pushrules', 'global', 'content', 'org.example.word'];
  await put(user, rule, { pattern: 'word', actions: ['notify'] });
  await put(user, [...rule, 'enabled'], { enabled: false });
}

async function reading({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const type of ['m.read', 'm.read.private', 'm.fully_read']) {
    const eventId = await user.say(roomId, `to be read as ${type}`);
    await user.get200('POST', path('rooms', roomId, 'receipt', type, eventId), { json: {} });
  }
}

async function typing({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const json of [{ typing: true, timeout: 5_000 }, { typing: false }])
    await put(user, ['rooms', roomId, 'typing', user.userId], json);
}

async function newPassword({ http, milena }: Hands): Promise<void> {
  const name = freshName('forgetful');
  await register(http, name, 'the first password');
  await succeeds(milena(['user', 'set-password', name], 'the second password\n'));
  await login(http, name, 'the second password');
}

async function deactivating({ http, milena }: Hands): Promise<void> {
  const name = freshName('leaving');
  await register(http, name);
  await succeeds(milena(['user', 'deactivate', name]));
}

async function moderating({ http, milena }: Hands): Promise<void> {
  const [name, someone] = [freshName('admin'), freshName('moderated')];
  await succeeds(milena(['user', 'add', name, '--admin'], 'the password of power\n'));
  const admin = await login(http, name, 'the password of power');
  const { userId } = await register(http, someone);
  for (const what of ['lock', 'suspend'])
    for (const on of [true, false]) {
      const where = `/_matrix/client/v1/admin/${what}/${encodeURIComponent(userId)}`;
      await admin.get200('PUT', where, { json: { [`${what}ed`]: on } });
    }
}

/** So many new users. */
async function people<N extends 1 | 2 | 3>(http: Http, count: N): Promise<People[N]> {
  const made: Client[] = [];
  while (made.length < count) made.push(await register(http, freshName('busy')));
  // As many as were asked for, which the type of an array does not say.
  return made as unknown as People[N];
}

interface People {
  readonly 1: readonly [Client];
  readonly 2: readonly [Client, Client];
  readonly 3: readonly [Client, Client, Client];
}

async function put(user: Client, where: readonly string[], json: unknown): Promise<void> {
  await user.get200('PUT', path(...where), { json });
}

async function succeeds(command: Promise<CommandOutcome>): Promise<void> {
  const { code, stderr } = await command;
  if (code !== 0) throw new Error(`exit ${code}: ${stderr.slice(-400)}`);
}
