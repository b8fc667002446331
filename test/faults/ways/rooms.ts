import { freshName, path } from '../../support/client.ts';
import { type Hands, people, put } from './hands.ts';

/** A room with everything that is done in rooms. */
export async function chatting({ http }: Hands): Promise<void> {
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

/** Somebody leaves a room and forgets it, comes back and does so again. */
export async function forgetting({ http }: Hands): Promise<void> {
  const [owner, guest] = await people(http, 2);
  const roomId = await owner.createRoom({ preset: 'public_chat' });
  for (let round = 0; round < 2; round++) {
    await guest.join(roomId);
    await guest.leave(roomId);
    await guest.get200('POST', path('rooms', roomId, 'forget'));
  }
}

/** Somebody makes a public room with an alias. */
export async function publishing({ http }: Hands): Promise<void> {
  const [owner, guest] = await people(http, 2);
  await owner.createRoom({
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: freshName('public'),
    invite: [guest.userId],
    name: 'For all',
  });
}

/** Somebody gives a room an alias and takes it away. */
export async function aliasing({ http, serverName }: Hands): Promise<void> {
  const [owner] = await people(http, 1);
  const roomId = await owner.createRoom();
  const alias = `#${freshName('alias')}:${serverName}`;
  await put(owner, ['directory', 'room', alias], { room_id: roomId });
  await owner.get200('DELETE', path('directory', 'room', alias));
}

/** Somebody reads. */
export async function reading({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const type of ['m.read', 'm.read.private', 'm.fully_read']) {
    const eventId = await user.say(roomId, `to be read as ${type}`);
    await user.get200('POST', path('rooms', roomId, 'receipt', type, eventId), { json: {} });
  }
}

/** Somebody begins to type and stops. */
export async function typing({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const json of [{ typing: true, timeout: 5_000 }, { typing: false }])
    await put(user, ['rooms', roomId, 'typing', user.userId], json);
}
