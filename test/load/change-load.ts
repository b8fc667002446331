import { V3 } from '../support/client.ts';
import type { Outcome, Plan } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { RawConnection, rawRequest } from './raw-connection.ts';
import { firstSync, nextBatch, syncRequest } from './raw-sync.ts';

type ChangePlan = Extract<Plan, { kind: 'change' }>;

/** Somebody sends into one of a user's rooms, then the user syncs; the sync is what is timed. */
export async function change(plan: ChangePlan, counting: () => void): Promise<Outcome> {
  const { url } = plan;
  const [sending, syncing] = await Promise.all([RawConnection.open(url), RawConnection.open(url)]);
  const durations: number[] = [];
  const problems: string[] = [];
  let since = await firstSync(syncing, url, plan.to);
  let cpu = process.cpuUsage();
  for (let i = -20; i < plan.times; i++) {
    if (i === 0) {
      cpu = process.cpuUsage();
      counting();
    }
    const from = plan.from[Math.abs(i) % plan.from.length];
    if (from === undefined) throw new Error('nobody sends');
    const body = `change ${i} ${Math.random()}`;
    const room = encodeURIComponent(from.roomId);
    const path = `${V3}/rooms/${room}/send/m.room.message/c${process.pid}.${Date.now()}.${i}`;
    const json = JSON.stringify({ msgtype: 'm.text', body });
    const sent = await sending.exchange(rawRequest('PUT', path, new URL(url).host, from.token, json));
    if (sent.status !== 200) problems.push(`${sent.status} ${sent.body.slice(0, 200)}`);
    const start = performance.now();
    const answer = await syncing.exchange(syncRequest(url, plan.to, since));
    const took = performance.now() - start;
    since = nextBatch(answer);
    if (!answer.body.includes(body)) problems.push('a sync after a send without the event');
    else if (i >= 0) durations.push(took);
  }
  const used = process.cpuUsage(cpu);
  sending.close();
  syncing.close();
  return {
    count: durations.length,
    failures: problems.length,
    seconds: durations.reduce((sum, each) => sum + each, 0) / 1_000,
    latency: quantiles(durations),
    problems: problems.slice(0, 20),
    generatorCpu: (used.user + used.system) / 1e6,
  };
}
