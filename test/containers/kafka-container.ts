import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { freePort } from '../support/free-port.ts';
import { kafkaVersion } from '../support/kafka/jars.ts';
import { brokerProperties, thriftyJvm } from '../support/kafka/settings.ts';
import type { Kafka } from '../support/kafka.ts';
import { containerEngine, type Engine, type RunningContainer } from './engine.ts';

/** The project's own image, or another with `java` on its path and Kafka's jars in `/opt/kafka/libs`. */
const image = process.env['KAFKA_IMAGE'] ?? `apache/kafka:${kafkaVersion}`;

const data = '/tmp/milena-kafka';
const settings = '/tmp/milena-server.properties';

/** A controller's port inside the container, where nobody else has any. */
const controllerPort = 9_093;

/** However its maker ends, kill -9 included, a container does not outlive this: longer than the suite, in seconds. */
const longestLife = 600;

/**
 * A real broker in a container; or why there is none: no engine answers, or the image cannot be had.
 * @throws Error when engine and image are there and the broker does not come up.
 */
export async function startKafkaContainer(
  properties: Readonly<Record<string, string>>,
): Promise<Kafka | { readonly skip: string }> {
  const engine = await containerEngine();
  if ('skip' in engine) return engine;
  try {
    await engine.fetch(image);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { skip: `the image ${image} cannot be had here: ${said.split('\n')[0]}` };
  }
  const port = await freePort();
  return handle(await run(engine, port, properties), `${engine.host}:${port}`);
}

/** The port has one number inside and outside, so that the address the broker tells is right for both. */
function run(
  engine: Engine,
  port: number,
  properties: Readonly<Record<string, string>>,
): Promise<RunningContainer> {
  const content = brokerProperties(port, controllerPort, data, {
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${engine.host}:${port}`,
    ...properties,
  });
  const java = `java -cp '/opt/kafka/libs/*' ${thriftyJvm.join(' ')}`;
  const id = randomBytes(16).toString('base64url');
  const script = [
    `${java} kafka.tools.StorageTool format -t '${id}' -c ${settings} || exit 1`,
    `${java} kafka.Kafka ${settings} & broker=$!`,
    `(sleep ${longestLife}; kill -9 $broker) &`,
    'wait $broker',
  ];
  return engine
    .container(image)
    .withEntrypoint(['/bin/sh', '-c', script.join('\n')])
    .withExposedPorts({ container: port, host: port })
    .withCopyContentToContainer([{ content, target: settings, mode: 0o644 }])
    .withStartupTimeout(60_000)
    .start();
}

async function handle(container: RunningContainer, broker: string): Promise<Kafka> {
  const folder = await mkdtemp(join(tmpdir(), 'milena-kafka-'));
  const stop = async (): Promise<void> => {
    await container.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    brokers: [broker],
    data: async () => unpacked(await container.copyArchiveFromContainer(data), folder),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Unpacks the archive of the broker's data into a fresh folder below `folder`. */
async function unpacked(archive: NodeJS.ReadableStream, folder: string): Promise<string> {
  const fresh = await mkdtemp(join(folder, 'data-'));
  const tar = spawn('tar', ['-x', '-C', fresh], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(tar, 'close');
  await pipeline(archive, tar.stdin);
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  return join(fresh, basename(data));
}
