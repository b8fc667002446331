import { type Apart, startApart } from '../support/apart.ts';
import { type Kafka, startKafka } from '../support/kafka.ts';
import { type CommandOutcome, internalUrl, type Server, startServer } from '../support/server.ts';

/** What kind of deployment is measured. */
export interface TargetChoice {
  readonly log: 'postgres' | 'kafka';
  readonly roles: 'together' | 'apart';
}

/** A running deployment under load. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  /** Metrics endpoints of all its Node processes. */
  readonly metrics: readonly string[];
  /** The internal listener of the process that owns. */
  readonly owner: string;
  /** Processes whose trees are the whole deployment: Milena's, Postgres's, Kafka's. */
  roots(): readonly number[];
  /** Runs a `milena` command with the settings of the process that owns. */
  milena(args: readonly string[], within: number): Promise<CommandOutcome>;
  /** Stops Milena (and the embedded Postgres), so that what it wrote lies on disk. */
  stop(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** Folders with what is stored. */
  readonly folders: readonly string[];
}

/** Defaults but for what a load test must switch off. The log level stays as an operator has it. */
const ENV = { MILENA_LOG_LEVEL: 'info' } as const;

/** Starts a fresh deployment. */
export async function startTarget(choice: TargetChoice): Promise<Target> {
  const kafka = choice.log === 'kafka' ? await startKafka() : undefined;
  const env = kafka === undefined ? ENV : { ...ENV, MILENA_KAFKA_BROKERS: kafka.brokers.join(',') };
  try {
    if (choice.roles === 'apart') return apartTarget(await startApart({ log: choice.log, env }), kafka);
    return serverTarget(await startServer({ log: choice.log, env }), kafka);
  } catch (error) {
    await kafka?.stop();
    throw error;
  }
}

function serverTarget(server: Server, kafka: Kafka | undefined): Target {
  return {
    url: server.url,
    metrics: [`${internalUrl(server.env)}/_milena/metrics`],
    owner: internalUrl(server.env),
    roots: () => [...server.pids(), ...brokerPid(kafka)],
    milena: (args, within) => server.milena(args, within),
    stop: () => server.stop(),
    start: () => server.process.start(),
    folders: [server.dataDir, ...brokerData(kafka)],
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await kafka?.stop();
    },
  };
}

function apartTarget(apart: Apart, kafka: Kafka | undefined): Target {
  const processes = [...apart.processes.values()];
  return {
    url: apart.url,
    metrics: processes.map((process) => `${internalUrl(process.plan.env)}/_milena/metrics`),
    owner: internalUrl(apart.env('owner')),
    roots: () => [...apart.pids(), apart.postgres.pid, ...brokerPid(kafka)],
    milena: (args, within) => apart.milena('owner', args, within),
    stop: () => apart.stop(),
    start: async () => {
      for (const process of processes) await process.start();
    },
    folders: [apart.postgres.dataDir, ...brokerData(kafka)],
    [Symbol.asyncDispose]: async () => {
      await apart[Symbol.asyncDispose]();
      await kafka?.stop();
    },
  };
}

function brokerPid(kafka: Kafka | undefined): readonly number[] {
  return kafka?.local === undefined ? [] : [kafka.local.pid];
}

function brokerData(kafka: Kafka | undefined): readonly string[] {
  return kafka?.local === undefined ? [] : [kafka.local.data];
}
