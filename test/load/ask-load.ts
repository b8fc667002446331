import { type Ask, type Outcome, type Plan, UNIQUE } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { RawConnection, rawRequest } from './raw-connection.ts';

type AskPlan = Extract<Plan, { kind: 'ask' }>;

/** What a request has of its own: always ten characters. */
function unique(): string {
  counter += 1;
  return `${process.pid % 10_000}`.padStart(4, '0') + counter.toString(36).padStart(6, '0');
}
let counter = 0;

/** Asks one after the other on each connection; those that `plan.warmUp` says are not counted. */
export async function ask(plan: AskPlan, counting: () => void): Promise<Outcome> {
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, () => RawConnection.open(plan.url)),
  );
  const books = { durations: [] as number[], problems: [] as string[], bytes: 0 };
  const host = new URL(plan.url).host;
  const end = performance.now() + plan.seconds * 1_000;
  let next = 0;
  const loop = async (connection: RawConnection, until: number): Promise<void> => {
    while (next < until && performance.now() < end && books.problems.length < 20) {
      const one = plan.asks[next++ % plan.asks.length];
      if (one === undefined) return;
      const request = requestOf(one, host);
      const start = performance.now();
      const { status, body } = await connection.exchange(request);
      books.durations.push(performance.now() - start);
      books.bytes += body.length;
      if (status !== 200) books.problems.push(`${status} ${body.slice(0, 200)}`);
    }
  };
  await Promise.all(connections.map((connection) => loop(connection, plan.warmUp)));
  books.durations.length = 0;
  counting();
  const began = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(connections.map((connection) => loop(connection, plan.warmUp + plan.times)));
  const used = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1_000;
  for (const connection of connections) connection.close();
  return {
    count: books.durations.length,
    failures: books.problems.length,
    seconds,
    latency: quantiles(books.durations),
    problems: books.problems,
    generatorCpu: (used.user + used.system) / 1e6,
  };
}

function requestOf({ method, path, token, body }: Ask, host: string): string {
  const fill = (text: string): string => text.replaceAll(UNIQUE, unique);
  return rawRequest(method, fill(path), host, token, body === undefined ? undefined : fill(body));
}
