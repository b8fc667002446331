import { type Client, freshName, register } from '../support/client.ts';
import { Http } from '../support/http.ts';
import type { Sender } from './plan.ts';

/** Registers this many users, a few at a time. */
export async function people(http: Http, count: number): Promise<readonly Client[]> {
  const made: Client[] = [];
  while (made.length < count) {
    const some = Array.from({ length: Math.min(8, count - made.length) }, () =>
      register(http, freshName('bench')),
    );
    made.push(...(await Promise.all(some)));
  }
  return made;
}

/** A room with these members, the first of whom makes it. */
export async function roomOf(members: readonly Client[]): Promise<string> {
  const [owner, ...others] = members;
  if (owner === undefined) throw new Error('a room needs somebody to make it');
  const roomId = await owner.createRoom({ preset: 'public_chat' });
  for (const member of others) await member.join(roomId);
  return roomId;
}

/** `rooms` rooms of `members` each, nobody in two of them; every member is a sender into its room. */
export async function senders(url: string, rooms: number, members: number): Promise<readonly Sender[]> {
  const http = new Http(url);
  try {
    const all = await people(http, rooms * members);
    const made = await Promise.all(
      Array.from({ length: rooms }, async (_, i) => {
        const inside = all.slice(i * members, (i + 1) * members);
        const roomId = await roomOf(inside);
        return inside.map(({ token }) => ({ token, roomId }));
      }),
    );
    return made.flat();
  } finally {
    http.close();
  }
}
