import type { RoomId } from '../../src/matrix/identifiers.ts';
import { type Client, path } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { Crowd, type CrowdEvent, joining, saying, stranger } from './crowd.ts';
import { measure } from './measure.ts';
import { type Ask, UNIQUE } from './plan.ts';
import { people } from './population.ts';
import type { Row } from './report.ts';
import { type Effort, rowOf, sendCase } from './send-cases.ts';
import { analysed, settled } from './settled.ts';
import type { Target } from './target.ts';

/** Those who join each of the rooms, one after the other, in each run others. */
const JOINERS = 60;

/** New rooms and new accounts. */
export async function making(target: Target, effort: Effort): Promise<readonly Row[]> {
  const http = new Http(target.url);
  const [user] = await people(http, 1);
  http.close();
  if (user === undefined) throw new Error('somebody has to make rooms');
  const room: Ask = { ...post(path('createRoom'), user.token), body: JSON.stringify({ name: 'A room' }) };
  const account: Ask = {
    ...post(path('register'), user.token),
    body: JSON.stringify({
      username: `r${UNIQUE}`,
      password: 'long enough',
      auth: { type: 'm.login.dummy' },
    }),
  };
  return [
    await asking(target, effort, 'createRoom', [room], { times: 200 }),
    await asking(target, effort, 'registrations, 8 at once', [account], { times: 1_000, connections: 8 }),
  ];
}

/** What a room costs by its members: joining, sending, asking for them. */
export async function members(target: Target, effort: Effort): Promise<readonly Row[]> {
  const http = new Http(target.url);
  const joiners = await people(http, JOINERS * effort.times);
  http.close();
  const rooms: (readonly [number, RoomId])[] = [];
  for (const size of [1_000, 20_000]) rooms.push([size, await crowdedRoom(target, joiners[0], size)]);
  await analysed(target);
  const rows: Row[] = [];
  for (const [size, roomId] of rooms) {
    if (size === 1_000) {
      const ask = get(path('rooms', roomId, 'members'), joiners[0]);
      rows.push(await asking(target, effort, `members of ${size}`, [ask], { times: 50 }));
    }
    const joins = joiners.map(({ token }) => post(path('join', roomId), token));
    const runs = (run: number): readonly Ask[] => joins.slice(run * JOINERS, (run + 1) * JOINERS);
    rows.push(
      await asking(target, effort, `join a room of ${size}`, runs, { times: JOINERS - 5, warmUp: 5 }),
    );
    const sender = { token: tokenOf(joiners[0]), roomId };
    rows.push(await sendCase(`lone sender, room of ${size}`, target, [sender], effort));
  }
  return rows;
}

/** A room's past, and its state. */
export async function history(target: Target, effort: Effort): Promise<readonly Row[]> {
  const http = new Http(target.url);
  const [user] = await people(http, 1);
  http.close();
  const lengths = [1_000, 10_000, 50_000] as const;
  const states = [200, 2_000] as const;
  using crowd = new Crowd(target);
  const rooms: RoomId[] = [];
  for (const events of lengths) {
    const roomId = await crowdedRoom(target, user, 5);
    await crowd.all(times(events, () => saying(roomId, stranger(0))));
    rooms.push(roomId);
  }
  for (const size of states) {
    const roomId = await crowdedRoom(target, user, 5);
    const own = user?.userId as CrowdEvent['sender']; // The server named the user.
    const entry = (n: number): CrowdEvent => ({ ...saying(roomId, own), type: 'm.bench', state_key: `${n}` });
    await crowd.all(times(size, entry));
    rooms.push(roomId);
  }
  await analysed(target);
  const rows: Row[] = [];
  for (const [index, length] of lengths.entries()) {
    // Of the longest history the newest fifth: what is older must not cost anything.
    const events = Math.min(length, 10_000);
    const pages = { url: target.url, token: tokenOf(user), roomId: rooms[index] ?? '', limit: 1_000 };
    const plan = { kind: 'page', ...pages, events, seconds: 60 } as const;
    const { median } = await measure(target, plan, effort.times);
    rows.push(rowOf(`paging back ${events} of ${length} events`, median));
  }
  for (const [index, size] of states.entries()) {
    const ask = get(path('rooms', rooms[lengths.length + index] ?? '', 'state'), user);
    rows.push(await asking(target, effort, `state of ${size}`, [ask], { times: 50 }));
  }
  return rows;
}

/** A public room of this user with so many members. */
async function crowdedRoom(target: Target, user: Client | undefined, size: number): Promise<RoomId> {
  const roomId = await user?.createRoom({ preset: 'public_chat' });
  const room = roomId as RoomId; // A server gives no other.
  using crowd = new Crowd(target);
  await crowd.all(times(size - 1, (n) => joining(room, stranger(n))));
  await settled(target);
  return room;
}

interface Asking {
  readonly times: number;
  readonly connections?: number;
  readonly warmUp?: number;
}

async function asking(
  target: Target,
  effort: Effort,
  name: string,
  asks: readonly Ask[] | ((run: number) => readonly Ask[]),
  { times, connections = 1, warmUp = 5 }: Asking,
): Promise<Row> {
  const plan = { kind: 'ask', url: target.url, connections, warmUp, times, seconds: 60 } as const;
  const { median } = await measure(
    target,
    (run) => ({ ...plan, asks: typeof asks === 'function' ? asks(run) : asks }),
    effort.times,
  );
  return rowOf(name, median);
}

function* times<T>(count: number, make: (n: number) => T): Iterable<T> {
  for (let n = 0; n < count; n++) yield make(n);
}

function get(where: string, user: Client | undefined): Ask {
  return { method: 'GET', path: where, token: tokenOf(user) };
}

function post(where: string, token: string): Ask {
  return { method: 'POST', path: where, token, body: '{}' };
}

function tokenOf(user: Client | undefined): string {
  if (user === undefined) throw new Error('nobody was registered');
  return user.token;
}
