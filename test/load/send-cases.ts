import { measure, type Run } from './measure.ts';
import { rise } from './metrics.ts';
import type { Sender } from './plan.ts';
import { senders } from './population.ts';
import type { Row } from './report.ts';
import type { Target } from './target.ts';

/** How long and how often the cases run. */
export interface Effort {
  readonly seconds: number;
  readonly times: number;
}

/** Counters that the server keeps; see `src/telemetry/measures.ts`. */
const APPENDS = 'milena_owner_append_seconds_count';
const DECISIONS = 'milena_owner_decisions_total';
const COMMITS = 'milena_log_commits_total';
const STATEMENTS = 'milena_postgres_statements_total';
const MODELS = 'milena_models_statements_total';

/** Characters of a message in every case of the issue. */
const CHARACTERS = 100;

/** One sender, one message at a time. */
export async function loneSender(target: Target, effort: Effort): Promise<Row> {
  const all = await senders(target.url, 1, 5);
  return sendCase('lone sender', target, all.slice(0, 1), effort);
}

/** 50 senders over 10 rooms of 5 members. */
export async function tenRooms(target: Target, effort: Effort): Promise<Row> {
  return sendCase('50 senders, 10 rooms', target, await senders(target.url, 10, 5), effort);
}

/** 50 senders in one room. */
export async function oneRoom(target: Target, effort: Effort): Promise<Row> {
  return sendCase('50 senders, 1 room', target, await senders(target.url, 1, 50), effort);
}

/** Senders that send one after the other until the time is up; the figures, and what log and Postgres were asked. */
export async function sendCase(
  name: string,
  target: Target,
  all: readonly Sender[],
  effort: Effort,
): Promise<Row> {
  const { median } = await measure(
    target,
    {
      kind: 'send',
      url: target.url,
      senders: all,
      characters: CHARACTERS,
      seconds: effort.seconds,
      atMost: 100_000,
    },
    effort.times,
  );
  return rowOf(name, median, logFigures(median));
}

/** A row of one run's figures. */
export function rowOf(name: string, run: Run, more: Readonly<Record<string, number>> = {}): Row {
  const { load, calibration, outcome } = run;
  return { name, figures: { ...sendFigures(run), ...more }, load, calibration, problems: outcome.problems };
}

/** Rate, latency and CPU of one operation. */
export function sendFigures({ outcome, cpu }: Run): Record<string, number> {
  const each = (seconds: number): number => (outcome.count === 0 ? 0 : (seconds * 1000) / outcome.count);
  return {
    'ops/s': outcome.seconds === 0 ? 0 : outcome.count / outcome.seconds,
    'p50 ms': outcome.latency.p50,
    'p95 ms': outcome.latency.p95,
    'p99 ms': outcome.latency.p99,
    'CPU ms/op': each(cpu.node + cpu.postgres + cpu.java),
    'node ms/op': each(cpu.node),
    'postgres ms/op': each(cpu.postgres),
    ...(cpu.java > 0 ? { 'kafka ms/op': each(cpu.java) } : {}),
    'generator ms/op': each(outcome.generatorCpu),
    failures: outcome.failures,
  };
}

/** What the log and Postgres were asked for, over all that ran between the two readings. */
function logFigures({ before, after }: Run): Record<string, number> {
  const rooms = (labels: string): boolean => labels.includes('topic="rooms"');
  // A commit may hold several slots' appends; on Kafka each append is its own.
  const commits = rise(before, after, COMMITS, rooms);
  const appends = commits > 0 ? commits : rise(before, after, APPENDS, rooms);
  const decisions = rise(before, after, DECISIONS, rooms);
  const perSend = (value: number): number => (decisions === 0 ? 0 : value / decisions);
  const models = (kind: string): number =>
    perSend(rise(before, after, MODELS, (labels) => labels.includes(`name="${kind}"`)));
  return {
    'decisions/append': appends === 0 ? 0 : decisions / appends,
    'log statements/send': perSend(rise(before, after, STATEMENTS)),
    'model queries/send': models('query'),
    'projector reads/send': models('read'),
    'projector writes/send': models('write'),
  };
}
