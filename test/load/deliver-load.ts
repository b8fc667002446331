import { setTimeout as sleep } from 'node:timers/promises';
import { V3 } from '../support/client.ts';
import type { Outcome, Plan } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { type RawAnswer, RawConnection, rawRequest } from './raw-connection.ts';
import { nextBatch, syncRequest } from './raw-sync.ts';

type DeliverPlan = Extract<Plan, { kind: 'deliver' }>;

/** One sends while the other's sync waits; what is measured is from the send to the event in the other's hands. */
export async function deliver(plan: DeliverPlan, counting: () => void): Promise<Outcome> {
  const [sending, syncing] = await Promise.all([RawConnection.open(plan.url), RawConnection.open(plan.url)]);
  const durations: number[] = [];
  const problems: string[] = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + plan.seconds * 1000;
  let since = nextBatch(await syncing.exchange(syncRequest(plan.url, plan.to, undefined)));
  let began = performance.now();
  for (let i = -5; i < plan.times && performance.now() < end; i++) {
    if (i === 0) {
      began = performance.now();
      counting();
    }
    const waiting = syncing.exchange(syncRequest(plan.url, plan.to, since));
    await sleep(5); // So that the sync sleeps before there is something for it.
    const body = `delivery ${i} ${Math.random()}`;
    const start = performance.now();
    const sent = sending.exchange(sendRequest(plan, body, i));
    const arrival = await arrivalOf(body, waiting, syncing, plan);
    since = arrival.since;
    const answer = await sent;
    if (answer.status !== 200) problems.push(`${answer.status} ${answer.body.slice(0, 200)}`);
    else if (i >= 0) durations.push(arrival.at - start);
  }
  const seconds = (performance.now() - began) / 1000;
  sending.close();
  syncing.close();
  const used = process.cpuUsage(cpu);
  return {
    count: durations.length,
    failures: problems.length,
    seconds,
    latency: quantiles(durations),
    problems: problems.slice(0, 20),
    generatorCpu: (used.user + used.system) / 1e6,
  };
}

/** Syncs on until the event is there. */
async function arrivalOf(
  body: string,
  first: Promise<RawAnswer>,
  connection: RawConnection,
  plan: DeliverPlan,
): Promise<{ readonly at: number; readonly since: string }> {
  let answer = await first;
  for (;;) {
    const at = performance.now();
    const since = nextBatch(answer);
    if (answer.body.includes(body)) return { at, since };
    answer = await connection.exchange(syncRequest(plan.url, plan.to, since));
  }
}

function sendRequest(plan: DeliverPlan, body: string, i: number): string {
  const room = encodeURIComponent(plan.from.roomId);
  const path = `${V3}/rooms/${room}/send/m.room.message/d${process.pid}.${Date.now()}.${i}`;
  const json = JSON.stringify({ msgtype: 'm.text', body });
  return rawRequest('PUT', path, new URL(plan.url).host, plan.from.token, json);
}
