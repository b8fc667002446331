import { path } from '../../support/client.ts';
import { type Hands, people, put } from './hands.ts';

/** Somebody keeps account data and a tag. */
export async function keeping({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const roomId = await user.createRoom();
  for (const theme of ['dark', 'light'])
    await put(user, ['user', user.userId, 'account_data', 'org.example.look'], { theme });
  await put(user, ['user', user.userId, 'rooms', roomId, 'tags', 'm.favourite'], { order: 0.5 });
}

/** A client stores a filter. */
export async function filtering({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const filter = { room: { timeline: { limit: 7, types: ['m.room.message'] } } };
  await user.get200('POST', path('user', user.userId, 'filter'), { json: filter });
}

/** Somebody makes a push rule and switches it off. */
export async function ruling({ http }: Hands): Promise<void> {
  const [user] = await people(http, 1);
  const rule = ['pushrules', 'global', 'content', 'org.example.word'];
  await put(user, rule, { pattern: 'word', actions: ['notify'] });
  await put(user, [...rule, 'enabled'], { enabled: false });
}
