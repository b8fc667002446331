import { V3 } from '../support/client.ts';
import type { Outcome, Plan } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { RawConnection, rawRequest } from './raw-connection.ts';

type PagePlan = Extract<Plan, { kind: 'page' }>;

/** Pages a room's history backwards from its end, once to warm up and once more. Counts events; the latencies are those of the pages. */
export async function page(plan: PagePlan, counting: () => void): Promise<Outcome> {
  const connection = await RawConnection.open(plan.url);
  const host = new URL(plan.url).host;
  const durations: number[] = [];
  const problems: string[] = [];
  let count = 0;
  const once = async (from: string | undefined): Promise<string | undefined> => {
    const query = new URLSearchParams({
      dir: 'b',
      limit: String(plan.limit),
      ...(from === undefined ? {} : { from }),
    });
    const path = `${V3}/rooms/${encodeURIComponent(plan.roomId)}/messages?${query}`;
    const start = performance.now();
    const { status, body } = await connection.exchange(rawRequest('GET', path, host, plan.token));
    durations.push(performance.now() - start);
    if (status !== 200) {
      problems.push(`${status} ${body.slice(0, 200)}`);
      return undefined;
    }
    const { chunk, end }: { chunk: unknown[]; end?: string } = JSON.parse(body);
    count += chunk.length;
    return end;
  };
  const pass = async (): Promise<void> => {
    let from: string | undefined;
    do from = await once(from);
    while (from !== undefined && count < plan.events);
  };
  await pass();
  durations.length = 0;
  count = 0;
  counting();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await pass();
  const seconds = (performance.now() - began) / 1_000;
  const used = process.cpuUsage(cpu);
  connection.close();
  return {
    count,
    failures: problems.length,
    seconds,
    latency: quantiles(durations),
    problems,
    generatorCpu: (used.user + used.system) / 1e6,
  };
}
