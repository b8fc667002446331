import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { Client } from '../support/client.ts';
import { Http } from '../support/http.ts';
import { Crowd, joining } from './crowd.ts';
import { measure } from './measure.ts';
import { people } from './population.ts';
import type { Row } from './report.ts';
import { type Effort, rowOf } from './send-cases.ts';
import { settled } from './settled.ts';
import type { Target } from './target.ts';

/** How many wait in one room. */
const SIZES = [200, 1_000] as const;
const ROUNDS = 20;

/** One event to all who wait in a room, by how many they are: the latency is that of the last one. */
export async function sleepers(target: Target, effort: Effort): Promise<readonly Row[]> {
  const http = new Http(target.url);
  const [sender, ...others] = await people(http, Math.max(...SIZES) + 1);
  if (sender === undefined) throw new Error('somebody has to send');
  const rows: Row[] = [];
  for (const size of SIZES) rows.push(await inOneRoom(target, effort, sender, others.slice(0, size)));
  http.close();
  return rows;
}

async function inOneRoom(
  target: Target,
  effort: Effort,
  sender: Client,
  others: readonly Client[],
): Promise<Row> {
  const roomId = (await sender.createRoom({ preset: 'public_chat' })) as RoomId; // A server says no other.
  using crowd = new Crowd(target);
  // The server named them.
  await crowd.all(others.map(({ userId }) => joining(roomId, userId as UserId)));
  await settled(target);
  const { median } = await measure(
    target,
    {
      kind: 'sleepers',
      url: target.url,
      from: { token: sender.token, roomId },
      sleepers: others.map(({ token }) => token),
      times: ROUNDS,
      seconds: 120,
    },
    effort.times,
  );
  return rowOf(`${others.length} sleepers in a room, the last one`, median);
}
