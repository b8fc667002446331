import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { available, kafkaJars, kafkaVersion } from './kafka/jars.ts';
import { type JavaProcess, startJava } from './kafka/java-process.ts';
import { brokerProperties, joiningProperties, type KafkaCluster, thriftyJvm } from './kafka/settings.ts';
import { isAlive } from './process-tree.ts';

const run = promisify(execFile);

/** How a broker is started. */
export interface KafkaOptions {
  /** Server properties on top of those that one node needs; they win. */
  readonly properties?: Readonly<Record<string, string>>;
  /** The port for clients; a free one by default. */
  readonly port?: number;
  /** Takes JVM options instead of the thrifty ones for tests. */
  readonly jvm?: readonly string[];
  /** The cluster of another broker, which this one joins under a number of its own (2 and up). */
  readonly joins?: { readonly cluster: KafkaCluster; readonly node: number };
}

/** A running broker. */
export interface Kafka extends AsyncDisposable {
  /** Where clients connect: `host:port`. */
  readonly brokers: readonly string[];
  /** What can be done with a broker that we started on this machine; undefined for any other. */
  readonly local?: LocalKafka;
  /** A folder on this machine with the broker's data as they are now; undefined where nobody can look at them. */
  readonly data?: () => Promise<string>;
  /** Ends the broker and removes its data. Nothing happens to a broker that we did not start. */
  stop(): Promise<void>;
}

/** A broker on this machine. */
export interface LocalKafka {
  readonly pid: number;
  readonly port: number;
  /** Where it keeps its data. */
  readonly data: string;
  readonly cluster: KafkaCluster;
  /** SIGSTOP: it neither answers nor closes its connections. */
  suspend(): void;
  /** SIGCONT. */
  resume(): void;
  /** Kill -9 and a start on the same data and port. */
  crash(): Promise<void>;
}

/**
 * Starts a real broker (KRaft, one node) from Maven Central's jars on free ports of the loopback; up in 4 to 13 s.
 * @throws Error whose message says why this machine cannot.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  await available('java', ['-version'], 'Java (17 or newer)');
  const jars = await kafkaJars();
  const folder = await mkdtemp(join(tmpdir(), 'milena-kafka-'));
  try {
    return await startIn(folder, jars, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, jars: string, options: KafkaOptions): Promise<Kafka> {
  const port = options.port ?? (await freePort());
  const data = join(folder, 'data');
  const settings = join(folder, 'server.properties');
  const { joins } = options;
  const cluster = joins?.cluster ?? {
    // One that begins with a hyphen (1 of 64) would be taken for an option, here and by Kafka's tools.
    id: `M${randomBytes(16).toString('base64url').slice(1)}`,
    controllerPort: await controllerPort(port),
  };
  const joining = joins === undefined ? {} : joiningProperties(cluster, port, joins.node);
  const properties = { ...joining, ...options.properties };
  await writeFile(settings, brokerProperties(port, cluster.controllerPort, data, properties));
  const java = ['-cp', `${jars}/*`, ...(options.jvm ?? thriftyJvm)];
  await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', cluster.id, '-c', settings]);
  const stderr = join(folder, 'stderr.txt');
  const start = async (): Promise<JavaProcess> => {
    const started = await startJava([...java, 'kafka.Kafka', settings], stderr);
    await untilUp(started, port, stderr);
    return started;
  };
  let broker = await start();
  const stop = async () => {
    // Its data go away with it, so it need not stop cleanly, which takes about 5 s.
    await broker.end(true);
    await rm(folder, { recursive: true, force: true });
  };
  const local: LocalKafka = {
    get pid() {
      return broker.pid;
    },
    port,
    data,
    cluster,
    suspend: () => process.kill(broker.pid, 'SIGSTOP'),
    resume: () => process.kill(broker.pid, 'SIGCONT'),
    async crash() {
      await broker.end(true);
      broker = await start();
    },
  };
  return { brokers: [`127.0.0.1:${port}`], local, data: async () => data, stop, [Symbol.asyncDispose]: stop };
}

async function controllerPort(clients: number): Promise<number> {
  const port = await freePort();
  return port === clients ? await controllerPort(clients) : port;
}

async function untilUp(broker: JavaProcess, port: number, stderr: string): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (performance.now() < deadline) {
    if (!isAlive(broker.pid)) {
      const said = await readFile(stderr, 'utf8').catch(() => '');
      throw new Error(`Kafka ended while it started: ${said.slice(-500)}`);
    }
    if (await accepts(port)) return;
    await sleep(50);
  }
  await broker.end(true);
  throw new Error('Kafka did not come up within 90 s');
}

/** KRaft opens the port before the broker is unfenced; clients wait for that by themselves. */
async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** Whether tests are to use a broker that they did not start. */
export const hasForeignBroker = (process.env['KAFKA_BROKERS'] ?? '') !== '';

/**
 * For tests: the broker that `KAFKA_BROKERS` names (`host:port,…`, as a container or a cluster gives it), else
 * one of our own, else the reason why there is none.
 * @param options for a broker of our own. Server properties can't be given to another's, so with
 *   `properties` the environment variable is passed over.
 */
export async function kafkaOrReason(options: KafkaOptions = {}): Promise<Kafka | { readonly skip: string }> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined && given !== '' && options.properties === undefined) {
    const stop = async () => {};
    return { brokers: given.split(','), stop, [Symbol.asyncDispose]: stop };
  }
  try {
    return await startKafka(options);
  } catch (error) {
    return { skip: `no Kafka here: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** `npm run kafka`: a broker in the foreground, for a look at Milena on Kafka. Its data go when it stops. */
async function foreground(): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve());
  const awake = setInterval(() => {}, 60_000);
  process.stdout.write(`Starting Kafka ${kafkaVersion} …\n`);
  try {
    const port = process.env['PORT'];
    await using kafka = await startKafka({
      jvm: ['-Xmx256m'],
      ...(port === undefined ? {} : { port: Number(port) }),
    });
    const brokers = kafka.brokers.join(',');
    process.stdout.write(`
Kafka listens on ${brokers}. Start Milena on it with

  MILENA_LOG=kafka MILENA_KAFKA_BROKERS=${brokers} npm start

or run tests against it with KAFKA_BROKERS=${brokers}. Ctrl-C stops it and removes its data.
`);
    await stopped.promise;
  } finally {
    clearInterval(awake);
  }
}

if (import.meta.main) {
  await foreground().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
