/**
 * The figures of `docs/adr/0006-log-on-kafka.md`, on a broker of its own:
 * `node src/main/launch.js --script test/support/kafka-measure.ts`. About a minute.
 */
import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { EventLog, NewRecord, Writer } from '../../src/log/port.ts';
import { topicNames } from '../../src/log/topics.ts';
import { startKafka } from './kafka.ts';

const slots = 64;
const value = randomBytes(1_024);
const command = randomBytes(16);

function records(count: number): NewRecord[] {
  const one = (_: unknown, index: number) => ({
    key: `!room${index}`,
    type: 'room_event',
    at: Date.now(),
    value,
    command,
  });
  return Array.from({ length: count }, one);
}

function say(what: string, times: readonly number[], more = ''): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? Number.NaN).toFixed(2);
  process.stdout.write(`${what}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms${more}\n`);
}

/** Times one thing done again and again. */
async function repeat(what: string, count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await work(index);
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpu);
  say(what, times, `, CPU of this process ${((user + system) / 1_000 / count).toFixed(2)} ms each`);
}

async function appends(writers: readonly Writer[]): Promise<void> {
  const [writer] = writers;
  if (writer === undefined) return;
  for (const [size, count] of [
    [1, 500],
    [1, 3_000],
    [100, 1_000],
    [900, 100],
  ] as const) {
    const some = records(size);
    await repeat(`append of ${size}`, count, () => writer.append('rooms', some));
  }
  const times: number[] = [];
  const start = performance.now();
  const five = records(5);
  const work = writers.map(async (each) => {
    for (let round = 0; round < 100; round++) {
      const begun = performance.now();
      await each.append('rooms', five);
      times.push(performance.now() - begun);
    }
  });
  await Promise.all(work);
  const rate = (times.length * 5_000) / (performance.now() - start);
  say(`append of 5, ${slots} slots at once`, times, `, ${Math.round(rate)} records/s`);
}

async function replay(log: EventLog): Promise<void> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  const to = await log.end('rooms', 0);
  for await (const batch of log.read('rooms', 0, { from: { offset: 0, epoch: 0 }, to }))
    count += batch.records.length;
  const { user, system } = process.cpuUsage(cpu);
  const rate = Math.round((count * 1_000) / (performance.now() - start));
  process.stdout.write(
    `replay of ${count}: ${rate} records/s, CPU ${((user + system) / count).toFixed(1)} µs each\n`,
  );
}

/** Tails every partition of every topic; `came` is called when records do. */
async function tailAll(
  log: EventLog,
  signal: AbortSignal,
  came: () => void,
): Promise<readonly Promise<void>[]> {
  const tails: Promise<void>[] = [];
  for (const topic of topicNames) {
    for (const [partition, offset] of (await log.ends(topic)).entries()) {
      const read = log.read(topic, partition, { from: { offset, epoch: 0 }, signal });
      tails.push(
        (async () => {
          for await (const batch of read) if (batch.records.length > 0) came();
        })(),
      );
    }
  }
  return tails;
}

async function tailing(log: EventLog, writer: Writer | undefined): Promise<void> {
  const stopping = new AbortController();
  let came = Promise.withResolvers<void>();
  const tails = await tailAll(log, stopping.signal, () => came.resolve());
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(
    `tailing ${tails.length} idle partitions: CPU ${((user + system) / 30_000).toFixed(2)} %\n`,
  );
  for (const what of ['publish', 'append'] as const) {
    await repeat(`${what} until a tailing reader has it`, 1_000, async () => {
      came = Promise.withResolvers();
      const written =
        what === 'publish' ? log.publish('inbox', 5, records(1)) : writer?.append('rooms', records(1));
      await Promise.all([came.promise, written]);
    });
  }
  stopping.abort();
  await Promise.all(tails);
}

await using kafka = await startKafka({ jvm: ['-Xmx256m'] });
const log = await createKafkaLog({ brokers: kafka.brokers, prefix: 'measured-', slots });
process.stdout.write(`load average ${loadavg()[0]?.toFixed(1)}\n`);
await log.claim(0);
await repeat('claim', slots, (slot) => log.claim(slot));
const start = performance.now();
const writers = await Promise.all(Array.from({ length: slots }, (_, slot) => log.claim(slot)));
process.stdout.write(`${slots} claims at once: ${Math.round(performance.now() - start)} ms\n`);
await appends(writers);
for (let round = 0; round < 3; round++) await replay(log);
await tailing(log, writers[0]);
process.stdout.write(`load average ${loadavg()[0]?.toFixed(1)}\n`);
await log.close();
