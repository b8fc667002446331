import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { type Client, V3 } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { Crowd, type CrowdEvent, joining, saying, stranger } from './crowd.ts';
import { measure } from './measure.ts';
import { people } from './population.ts';
import type { Row } from './report.ts';
import { type Effort, rowOf } from './send-cases.ts';
import { settled } from './settled.ts';
import type { Target } from './target.ts';

/** Rooms of those who sync. Who has 100 syncs once more when all the others' rooms are there too. */
const SIZES = [1, 20, 100, 1_000] as const;
/** Members and messages of each room, beside what makes a room. */
const MEMBERS = 5;
const MESSAGES = 10;

/** A first sync by the user's rooms, and by other people's; then one that has missed one event in 1,000 rooms. */
export async function syncs(target: Target, effort: Effort): Promise<readonly Row[]> {
  const http = new Http(target.url);
  const users = await people(http, SIZES.length + 1);
  const rows: Row[] = [];
  let rooms = 0;
  let last: readonly RoomId[] = [];
  for (const [index, size] of SIZES.entries()) {
    last = await roomsOf(target, userAt(users, index), size);
    rooms += size;
    rows.push(await first(target, effort, userAt(users, index), size, rooms));
  }
  rows.push(await first(target, effort, userAt(users, SIZES.indexOf(100)), 100, rooms));
  rows.push(await change(target, effort, users, last));
  http.close();
  return rows;
}

/** Makes rooms of some members, messages of the last of them in each. */
async function roomsOf(target: Target, user: Client, count: number): Promise<readonly RoomId[]> {
  const rooms: RoomId[] = [];
  const make = async (): Promise<void> => {
    while (rooms.length < count) {
      const at = rooms.push('!' as RoomId) - 1; // Its place is taken; the name follows.
      rooms[at] = (await user.createRoom({ preset: 'public_chat', name: `Room ${at}` })) as RoomId;
    }
  };
  await Promise.all(Array.from({ length: 8 }, make));
  using crowd = new Crowd(target);
  const members = Array.from({ length: MEMBERS - 1 }, (_, n) => stranger(n));
  await crowd.all(rooms.flatMap((room) => members.map((member) => joining(room, member))));
  await crowd.all(rooms.flatMap((room): CrowdEvent[] => Array(MESSAGES).fill(saying(room, stranger(0)))));
  await settled(target);
  return rooms;
}

async function first(
  target: Target,
  effort: Effort,
  { token }: Client,
  size: number,
  rooms: number,
): Promise<Row> {
  const { median } = await measure(
    target,
    {
      kind: 'ask',
      url: target.url,
      asks: [{ method: 'GET', path: `${V3}/sync?timeout=0`, token }],
      connections: 1,
      warmUp: 3,
      times: size > 100 ? 10 : 40,
      seconds: 60,
    },
    effort.times,
  );
  return rowOf(`first sync, ${size} rooms beside ${rooms - size} others`, median);
}

async function change(
  target: Target,
  effort: Effort,
  users: readonly Client[],
  rooms: readonly RoomId[],
): Promise<Row> {
  const [reader, writer] = [userAt(users, SIZES.length - 1), userAt(users, SIZES.length)];
  const some = rooms.slice(0, 50);
  using crowd = new Crowd(target);
  await crowd.all(some.map((room) => joining(room, writer.userId as UserId))); // The server named the user.
  await settled(target);
  const { median } = await measure(
    target,
    {
      kind: 'change',
      url: target.url,
      from: some.map((roomId) => ({ token: writer.token, roomId })),
      to: reader.token,
      times: 200,
      seconds: 60,
    },
    effort.times,
  );
  return rowOf(`sync after one event in ${rooms.length} rooms`, median);
}

function userAt(users: readonly Client[], index: number): Client {
  const user = users[index];
  if (user === undefined) throw new Error('a user for each size');
  return user;
}
