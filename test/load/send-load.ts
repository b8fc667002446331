import { V3 } from '../support/client.ts';
import type { Outcome, Plan, Sender } from './plan.ts';
import { quantiles } from './quantiles.ts';
import { RawConnection, rawRequest } from './raw-connection.ts';

type SendPlan = Extract<Plan, { kind: 'send' }>;

/** The part of the time that is not counted: connections, caches and the server's compiler warm up. */
const WARM_UP = 0.1;

/** Every sender sends one message after the other, each on its own connection, until the time is up. */
export async function send(plan: SendPlan, counting: () => void): Promise<Outcome> {
  const connections = await Promise.all(plan.senders.map(() => RawConnection.open(plan.url)));
  const body = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(plan.characters) });
  const run = new Run(plan, counting);
  await Promise.all(
    plan.senders.map((sender, i) => {
      const connection = connections[i];
      if (connection === undefined) throw new Error('a connection for each sender');
      return loop(connection, prebuilt(plan.url, sender, body), run);
    }),
  );
  for (const connection of connections) connection.close();
  return run.outcome();
}

/** The request of a sender but for its transaction ID: what stands before it and what follows. */
function prebuilt(url: string, sender: Sender, body: string): readonly [string, string] {
  const path = `${V3}/rooms/${encodeURIComponent(sender.roomId)}/send/m.room.message/`;
  const whole = rawRequest('PUT', `${path}\u0000`, new URL(url).host, sender.token, body);
  const [before = '', after = ''] = whole.split('\u0000');
  return [before, after];
}

async function loop(
  connection: RawConnection,
  [before, after]: readonly [string, string],
  run: Run,
): Promise<void> {
  while (run.goesOn()) {
    const start = performance.now();
    const answer = await connection.exchange(before + run.transaction() + after);
    run.note(start, performance.now(), answer.status, answer.body);
  }
}

/** The clock and the books of one run. */
class Run {
  readonly #begin = performance.now();
  readonly #end: number;
  readonly #countFrom: number;
  readonly #counting: () => void;
  readonly #durations: number[] = [];
  readonly #problems: string[] = [];
  readonly #stem = `b${process.pid}.${Date.now().toString(36)}.`;
  readonly #atMost: number;
  #begun = 0;
  #taken = 0;
  #failures = 0;
  #told = false;
  #first = 0;
  #last = 0;
  #cpu = process.cpuUsage();

  constructor(plan: SendPlan, counting: () => void) {
    this.#end = this.#begin + plan.seconds * 1000;
    this.#countFrom = this.#begin + plan.seconds * 1000 * WARM_UP;
    this.#atMost = plan.atMost;
    this.#counting = counting;
  }

  goesOn(): boolean {
    return this.#begun < this.#atMost && performance.now() < this.#end && this.#problems.length < 20;
  }

  transaction(): string {
    this.#begun += 1;
    return this.#stem + this.#begun;
  }

  note(start: number, end: number, status: number, body: string): void {
    if (status === 200) this.#taken += 1;
    if (start < this.#countFrom) return;
    if (!this.#told) {
      this.#told = true;
      this.#first = start;
      this.#cpu = process.cpuUsage();
      this.#counting();
    }
    this.#last = end;
    if (status === 200) this.#durations.push(end - start);
    else {
      this.#failures += 1;
      if (this.#problems.length < 20) this.#problems.push(`${status} ${body.slice(0, 200)}`);
    }
  }

  outcome(): Outcome {
    const used = process.cpuUsage(this.#cpu);
    return {
      count: this.#durations.length,
      sent: this.#taken,
      failures: this.#failures,
      seconds: (this.#last - this.#first) / 1000,
      latency: quantiles(this.#durations),
      problems: this.#problems,
      generatorCpu: (used.user + used.system) / 1e6,
    };
  }
}
