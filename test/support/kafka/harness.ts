import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaLogOptions } from '../../../src/log/kafka/kafka-log.ts';
import type { EventLog } from '../../../src/log/port.ts';
import type { Harness, LogUnderTest, ProxiedLog } from '../../contract/harness.ts';
import { type CuttingProxy, startCuttingProxy } from '../cutting-proxy.ts';
import { hasForeignBroker, type Kafka, kafkaOrReason } from '../kafka.ts';
import { openLog } from './recipe.ts';

/** What a harness varies. */
export interface KafkaHarnessOptions {
  /** Server properties of the broker. */
  readonly properties: Readonly<Record<string, string>>;
  /** How long suspended owners sleep. */
  readonly asleepMs: number;
  /** Where the broker comes from, if not from this machine's own Java. */
  readonly start: (
    properties: Readonly<Record<string, string>>,
  ) => Promise<Kafka | { readonly skip: string }>;
}

/** A cleaner that comes by at once, and files that are small enough to have a few hundred partitions of. */
const quickCleaner = {
  'log.cleaner.backoff.ms': '100',
  'log.index.size.max.bytes': '65536',
  'log.initial.task.delay.ms': '100',
};

const slots = 4;
const sessionMs = 6_000;

/** A harness on a real broker, or why there is none. */
export async function kafkaHarness(
  options: Partial<KafkaHarnessOptions> = {},
): Promise<Harness | { readonly skip: string }> {
  const foreign = hasForeignBroker && options.properties === undefined;
  const properties = { ...quickCleaner, ...options.properties };
  const kafka = await (options.start?.(properties) ?? kafkaOrReason(foreign ? {} : { properties }));
  if ('skip' in kafka) return kafka;
  return {
    slots,
    asleepMs: options.asleepMs ?? 500,
    // The session, a heartbeat of the others, and a rebalance.
    takeoverMs: sessionMs + 3_000,
    tailMs: 30,
    fresh: async () => logUnderTest(kafka),
    [Symbol.asyncDispose]: () => kafka.stop(),
  };
}

/** A log under a prefix of its own. */
export function logUnderTest(kafka: Kafka, more: Partial<KafkaLogOptions> = {}): LogUnderTest {
  const stack = new AsyncDisposableStack();
  const settings: KafkaLogOptions = {
    brokers: kafka.brokers,
    prefix: `test-${randomBytes(4).toString('hex')}-`,
    slots,
    sessionMs,
    promptCompaction: { topics: ['user_values', 'content_keys', 'to_device'], segmentMs: 100 },
    ...more,
  };
  const open = async (brokers: readonly string[], own: Partial<KafkaLogOptions> = {}): Promise<EventLog> => {
    const log = await openLog({ ...settings, ...own, brokers });
    stack.defer(() => log.close());
    return log;
  };
  return {
    open: (options) => open(kafka.brokers, options),
    recipe: { module: new URL('./recipe.ts', import.meta.url).href, settings },
    async proxied(): Promise<ProxiedLog> {
      const proxy = stack.use(await startProxy(kafka));
      return {
        log: await open([`127.0.0.1:${proxy.port}`]),
        loseReplyTo: (marker) => proxy.loseReplyTo(marker),
        loseRequest: (marker) => proxy.loseRequest(marker),
      };
    },
    storedFiles: () => storedFiles(kafka, settings.prefix),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A proxy before the broker. The broker tells clients its own address, which they must not use. */
async function startProxy(kafka: Kafka): Promise<CuttingProxy> {
  const [host, port] = (kafka.brokers[0] ?? '').split(':');
  const target = { host: host ?? '', port: Number(port) };
  let own: Uint8Array = Buffer.alloc(0);
  const address = (at: number): Buffer => {
    const name = Buffer.from(target.host);
    const bytes = Buffer.alloc(name.length + 6);
    bytes.writeInt16BE(name.length);
    bytes.set(name, 2);
    bytes.writeInt32BE(at, name.length + 2);
    return bytes;
  };
  const advertised = address(target.port);
  const proxy = await startCuttingProxy(target, (reply) => {
    const at = reply.indexOf(advertised);
    if (at < 0) return reply;
    const changed = Buffer.from(reply);
    changed.set(own, at);
    return changed;
  });
  own = address(proxy.port);
  return proxy;
}

/** Every file of the log's topics, once the broker has removed those that compaction has replaced. */
async function storedFiles(kafka: Kafka, prefix: string): Promise<readonly string[]> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const data = await kafka.data?.();
    if (data === undefined) throw new Error('the data of this broker cannot be had on this machine');
    const folders = (await readdir(data)).filter((name) => name.startsWith(prefix));
    const files = await Promise.all(
      folders.map(async (folder) =>
        (await readdir(join(data, folder))).map((file) => join(data, folder, file)),
      ),
    );
    const waste = files.flat().filter((file) => /\.(deleted|cleaned|swap)$/.test(file));
    if (waste.length === 0) return files.flat();
    if (performance.now() > deadline) throw new Error(`the broker has not removed ${waste[0]}`);
    await sleep(50);
  }
}
