import { setTimeout as sleep } from 'node:timers/promises';
import { V3 } from '../support/client.ts';
import type { Outcome, Plan } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { type RawAnswer, RawConnection, rawRequest } from './raw-connection.ts';
import { firstSync, nextBatch, syncRequest } from './raw-sync.ts';

type SleepersPlan = Extract<Plan, { kind: 'sleepers' }>;

/** A device whose sync waits. */
interface Sleeper {
  readonly connection: RawConnection;
  readonly token: string;
  since: string;
  /** Read only when the round is over: what this process does meanwhile the others wait for. */
  answer?: RawAnswer;
}

/** Long enough for the server to have put a round of syncs to sleep, in milliseconds each. */
const FALL_ASLEEP_MS = 0.5;

/**
 * One sends into a room in which all the others' syncs wait. A round is over when the last of them has the event;
 * that is its latency. What is counted are deliveries.
 */
export async function sleepers(plan: SleepersPlan, counting: () => void): Promise<Outcome> {
  const { url } = plan;
  const sending = await RawConnection.open(url);
  const all: Sleeper[] = [];
  for (const token of plan.sleepers) {
    const connection = await RawConnection.open(url);
    all.push({ connection, token, since: await firstSync(connection, url, token) });
  }
  const durations: number[] = [];
  const problems: string[] = [];
  let cpu = process.cpuUsage();
  for (let i = -3; i < plan.times; i++) {
    if (i === 0) {
      cpu = process.cpuUsage();
      counting();
    }
    const body = `round ${i} ${Math.random()}`;
    const waiting = all.map((one) => arrival(one, url, body));
    await sleep(100 + FALL_ASLEEP_MS * all.length);
    const start = performance.now();
    const sent = await sending.exchange(sendRequest(plan, body, i));
    if (sent.status !== 200) problems.push(`${sent.status} ${sent.body.slice(0, 200)}`);
    const last = Math.max(...(await Promise.all(waiting)));
    if (i >= 0) durations.push(last - start);
  }
  const used = process.cpuUsage(cpu);
  for (const { connection } of [...all, { connection: sending }]) connection.close();
  return {
    count: durations.length * all.length,
    failures: problems.length,
    seconds: durations.reduce((sum, each) => sum + each, 0) / 1_000,
    latency: quantiles(durations),
    problems: problems.slice(0, 20),
    generatorCpu: (used.user + used.system) / 1e6,
  };
}

/** Syncs until the event is there. @returns when it came. */
async function arrival(one: Sleeper, url: string, body: string): Promise<number> {
  for (;;) {
    if (one.answer !== undefined) one.since = nextBatch(one.answer);
    one.answer = await one.connection.exchange(syncRequest(url, one.token, one.since));
    const at = performance.now();
    if (one.answer.body.includes(body)) return at;
  }
}

function sendRequest({ url, from }: SleepersPlan, body: string, i: number): string {
  const room = encodeURIComponent(from.roomId);
  const path = `${V3}/rooms/${room}/send/m.room.message/z${process.pid}.${Date.now()}.${i}`;
  return rawRequest('PUT', path, new URL(url).host, from.token, JSON.stringify({ msgtype: 'm.text', body }));
}
