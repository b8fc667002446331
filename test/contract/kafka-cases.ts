import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { toRaw } from '../../src/log/kafka/envelope.ts';
import { createKafkaLog, type KafkaLogOptions } from '../../src/log/kafka/kafka-log.ts';
import { topicSettings, usualCompaction } from '../../src/log/kafka/topic-settings.ts';
import type { EventLog } from '../../src/log/port.ts';
import { logUnderTest } from '../support/kafka/harness.ts';
import { type Kafka, kafkaOrReason, type LocalKafka, startKafka } from '../support/kafka.ts';
import { startOwner } from './owner-process.ts';
import { codeOf, eventually, keys, readAll, record, tail } from './records.ts';

const slots = 4;

interface Setting extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly local: LocalKafka;
  readonly prefix: string;
  /** Opens one more node on the log of this case. */
  open(more?: Partial<KafkaLogOptions>): Promise<EventLog>;
  /** A client to do with the broker what an operator would. */
  readonly admin: kafkajs.Admin;
}

/** What only Kafka can get wrong, on a broker that the cases kill, suspend and set otherwise. */
export function kafkaCases(): void {
  describe('event log on kafka: what only Kafka can get wrong', { concurrency: 1 }, () => {
    let kafka: Kafka | { readonly skip: string };
    before(async () => {
      kafka = await kafkaOrReason({ properties: { 'producer.id.expiration.check.interval.ms': '200' } });
    });
    after(async () => {
      if (!('skip' in kafka)) await kafka.stop();
    });
    for (const [name, body] of Object.entries(cases)) {
      test(name, { timeout: 60_000 }, async (context) => {
        if ('skip' in kafka) return context.skip(kafka.skip);
        await using setting = await settle(kafka);
        await body(setting, context);
      });
    }
  });
}

async function settle(kafka: Kafka): Promise<Setting> {
  if (kafka.local === undefined) throw new Error('these cases need a broker of their own');
  const stack = new AsyncDisposableStack();
  const prefix = `case-${randomBytes(4).toString('hex')}-`;
  const admin = new kafkajs.Kafka({
    brokers: [...kafka.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  stack.defer(() => admin.disconnect());
  return {
    kafka,
    local: kafka.local,
    prefix,
    admin,
    async open(more = {}) {
      const log = await createKafkaLog({ brokers: kafka.brokers, prefix, slots, ...more });
      stack.defer(() => log.close());
      return log;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const cases: Record<string, (setting: Setting, context: TestContext) => Promise<void>> = {
  'nodes that make the log at the same moment agree on it': async ({ open }) => {
    const logs = await Promise.all(Array.from({ length: 4 }, () => open()));
    assert.equal(new Set(logs.map((log) => log.generation)).size, 1);
    assert.deepEqual(
      logs.map((log) => log.slots),
      [slots, slots, slots, slots],
    );
  },

  'a server name that a node writes late, having found none, does not change whose log it is': async (
    setting,
  ) => {
    const { kafka, prefix, open } = setting;
    await open({ serverName: 'first.example' });
    const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    const value = Buffer.from(JSON.stringify({ name: 'late.example' }));
    const late = toRaw({ key: 'server/late', type: 'meta', at: 0, value }, 0, 0);
    const message = { key: Buffer.from(late.key), value, headers: { m: Buffer.from(late.meta) } };
    await producer.send({ topic: `${prefix}meta`, messages: [message] });
    await producer.disconnect();
    assert.equal((await open({ serverName: 'first.example' })).serverName, 'first.example');
    assert.equal(await codeOf(() => open({ serverName: 'late.example' })), 'DATA_MISMATCH');
  },

  'a log that exists keeps its number of slots, and refuses another': async ({ open }) => {
    await open();
    assert.equal((await createAndClose(open, { slots: 8 })).code, 'DATA_MISMATCH');
  },

  'topics whose settings would lose records are refused': async ({ open, admin, prefix }) => {
    const week = [{ name: 'retention.ms', value: '604800000' }];
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic: `${prefix}rooms`, numPartitions: slots, configEntries: week }],
    });
    const { code, message } = await createAndClose(open);
    assert.equal(code, 'LOG_UNSAFE');
    assert.match(message, /rooms.*retention\.ms=604800000/);
  },

  'a log on one broker is told of once at each start, whether its topics are new or there already': async ({
    open,
    prefix,
  }) => {
    for (const _start of ['new', 'there already']) {
      const warnings: string[] = [];
      await open({ onWarning: (text) => warnings.push(text) });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', new RegExp(`${prefix}.*factor 1 and min\\.insync\\.replicas=1`));
    }
  },

  'brokers that are not there are told so in time': async () => {
    const start = performance.now();
    const open = () => createKafkaLog({ brokers: ['127.0.0.1:1'], prefix: 'x' });
    assert.equal(await codeOf(open), 'LOG_UNAVAILABLE');
    assert.ok(performance.now() - start < 10_000);
  },

  'a fenced owner that the broker takes for new gets no acknowledgement, and its record is void': async ({
    open,
    admin,
  }) => {
    // Both nodes believe that the broker remembers for a day, and then it is set otherwise.
    const [one, two] = [await open(), await open()];
    const asleep = await one.claim(0);
    await asleep.append('rooms', [record('a')]);
    const awake = await two.claim(0);
    await awake.append('rooms', [record('b')]);
    await setBroker(admin, 'producer.id.expiration.ms', '300');
    await sleep(1_500);
    assert.equal(await codeOf(() => asleep.append('rooms', [record('void')])), 'FENCED');
    await setBroker(admin, 'producer.id.expiration.ms', '86400000');
    // For the broker the sequence is now that of the void record: the new owner is refused too, and claims anew.
    assert.equal(await codeOf(() => awake.append('rooms', [record('doubt')])), 'INDEFINITE');
    await (await two.claim(0)).append('rooms', [record('c')]);
    assert.deepEqual(keys(await readAll(two, 'rooms', 0)), ['a', 'b', 'c']);
  },

  'an owner that was idle for longer than the broker remembers goes on when nobody else claimed': async ({
    open,
    admin,
  }) => {
    await setBroker(admin, 'producer.id.expiration.ms', '600');
    const node = await open();
    const writer = await node.claim(1);
    await writer.append('users', [record('before')]);
    await sleep(1_800);
    await writer.append('users', [record('after')]);
    await writer.append('server', [record('first here')]);
    await setBroker(admin, 'producer.id.expiration.ms', '86400000');
    assert.deepEqual(keys(await readAll(node, 'users', 1)), ['before', 'after']);
  },

  'the log goes on after the broker was killed: nothing acknowledged is lost, readers go on': async ({
    open,
    local,
  }) => {
    const node = await open();
    const following = tail(node, 'rooms', 2);
    const acknowledged: string[] = [];
    const work = async (count: number) => {
      const writer = await node.claim(2);
      for (let done = 0; done < count; done++) {
        const key = `${acknowledged.length}`;
        await writer.append('rooms', [record(key)]);
        acknowledged.push(key);
      }
    };
    await work(50);
    const interrupted = work(1_000_000);
    interrupted.catch(() => undefined);
    await sleep(100);
    await local.crash();
    const code = await codeOf(() => interrupted);
    assert.ok(code === 'INDEFINITE' || code === 'LOG_UNAVAILABLE', String(code));
    await work(20);
    const last = acknowledged.at(-1);
    await following.until((records) => records.some((each) => each.key === last), 20_000);
    await following.stop();
    const read = keys(await readAll(node, 'rooms', 2));
    assert.deepEqual(keys(following.records), read);
    // One more can be there than was acknowledged: the one in doubt, which was then written again.
    assert.deepEqual([...new Set(read)], acknowledged);
    assert.ok(read.length <= acknowledged.length + 1);
  },

  'an append to a broker that hangs ends in doubt and in time': async ({ open, local }) => {
    const node = await open();
    const writer = await node.claim(0);
    await writer.append('rooms', [record('a')]);
    local.suspend();
    const start = performance.now();
    const code = await codeOf(() => writer.append('rooms', [record('b')]));
    const took = performance.now() - start;
    local.resume();
    assert.equal(code, 'INDEFINITE');
    assert.ok(took < 7_000, `${took} ms`);
    const again = await node.claim(0);
    const found = keys(await readAll(node, 'rooms', 0));
    assert.ok(found.length <= 2 && found[0] === 'a');
    await again.append('rooms', [record('c')]);
  },

  'an owner that is suspended loses its slots to others, learns it when it wakes, and shares again': async ({
    kafka,
  }) => {
    await using log = logUnderTest(kafka);
    await using sleeper = await startOwner(log.recipe, { join: 'http://sleeper' });
    await eventually(() => sleeper.slots().size === slots, 30_000);
    const held = new Set<number>();
    const assignment = (await log.open()).assignment();
    await assignment.join('http://other', {
      gained: async (slot) => void held.add(slot),
      lost: async (slot) => void held.delete(slot),
    });
    await eventually(() => held.size === slots / 2, 10_000);
    sleeper.signal('SIGSTOP');
    await eventually(() => held.size === slots, 9_000);
    sleeper.signal('SIGCONT');
    await eventually(() => held.size === slots / 2 && sleeper.slots().size === slots / 2, 10_000);
    const owners = await assignment.owners(true);
    for (const { slot, node } of owners) {
      assert.equal(node, held.has(slot) ? 'http://other' : 'http://sleeper');
      assert.notEqual(held.has(slot), sleeper.slots().has(slot));
    }
    await assignment.leave();
  },

  // The last case: those before it are about a broker that is alone, and the two more are gone afterwards.
  'where three brokers answer, topics get safe copies, and those that are not safe are refused': async ({
    open,
    admin,
    local,
    prefix,
  }) => {
    await (await open({ prefix: `${prefix}alone-` })).close();
    const two = [2, 3].map((node) => startKafka({ joins: { cluster: local.cluster, node } }));
    await using more = new AsyncDisposableStack();
    for (const kafka of await Promise.all(two)) more.use(kafka);
    const brokers = async () => (await admin.describeCluster()).brokers.length;
    while ((await brokers()) < 3) await sleep(100);

    const warnings: string[] = [];
    await open({ onWarning: (text) => warnings.push(text) });
    assert.deepEqual(warnings, []);
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${prefix}rooms`] });
    assert.ok(topics[0]?.partitions.every((one) => one.replicas.length === 3));

    const grown = await createAndClose(open, { prefix: `${prefix}alone-` });
    assert.equal(grown.code, 'LOG_UNSAFE');
    assert.match(grown.message, /factor 1 and min\.insync\.replicas=1/);
    const settings = { ...topicSettings('users', 3, usualCompaction), 'min.insync.replicas': '1' };
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: `${prefix}users`, configEntries }],
    });
    const set = await createAndClose(open);
    assert.equal(set.code, 'LOG_UNSAFE');
    assert.match(
      set.message,
      new RegExp(`${prefix}users with replication factor 3 and min\\.insync\\.replicas=1`),
    );
  },
};

async function createAndClose(
  open: Setting['open'],
  more: Partial<KafkaLogOptions> = {},
): Promise<{ readonly code: unknown; readonly message: string }> {
  let message = '';
  const code = await codeOf(async () => {
    try {
      await open(more);
    } catch (error) {
      message = String(error);
      throw error;
    }
  });
  return { code, message };
}

/** Sets a broker's setting while it runs. */
async function setBroker(admin: kafkajs.Admin, name: string, value: string): Promise<void> {
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.BROKER, name: '1', configEntries: [{ name, value }] }],
  });
}
