import { setTimeout as sleep } from 'node:timers/promises';
import { MilenaError } from '../../errors/milena-error.ts';
import { BrokerRefused, codeOf, isPassing, NotAnswered, NotSent } from './kafka-error.ts';
import {
  type Broker,
  type Cluster,
  type ClusterHandle,
  connectionOf,
  type KafkaAddress,
  makeCluster,
  type WireRequest,
} from './kafkajs-private.ts';

/**
 * Connections to the brokers for one purpose, one TCP connection to each. A broker answers the requests of a
 * connection one after the other, so what may wait (a long poll, a join of a group) has a lane of its own.
 */
export class Lane {
  readonly #address: KafkaAddress;
  readonly #topics: readonly string[];
  readonly #timeoutMs: number;
  #current: Promise<ClusterHandle> | undefined;
  #handle: ClusterHandle | undefined;
  #closed = false;

  /**
   * @param topics Kafka's names of the topics whose leaders must be known.
   * @param timeoutMs after which a request without an answer is given up.
   */
  constructor(address: KafkaAddress, topics: readonly string[], timeoutMs: number) {
    this.#address = address;
    this.#topics = topics;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends to the leader of a partition. @throws NotSent, NotAnswered. */
  async toLeader<T>(topic: string, partition: number, request: WireRequest<T>): Promise<T> {
    return await this.to(await this.leader(topic, partition), request);
  }

  /** Sends to one broker. @throws NotSent, NotAnswered. */
  async to<T>(nodeId: number, request: WireRequest<T>): Promise<T> {
    return await this.#with(
      (cluster) => cluster.findBroker({ nodeId }),
      async (broker) => (await connectionOf(broker)).send(request),
    );
  }

  /** Calls a method of kafkajs on one broker. @throws NotSent, NotAnswered, or kafkajs' error with a code. */
  async call<T>(nodeId: number, use: (broker: Broker) => Promise<T>): Promise<T> {
    return await this.#with((cluster) => cluster.findBroker({ nodeId }), use);
  }

  /** Calls the coordinator of a group (0) or of a transactional ID (1). @throws as `call`. */
  async coordinator<T>(kind: 0 | 1, id: string, use: (broker: Broker) => Promise<T>): Promise<T> {
    return await this.#with(
      (cluster) => cluster.findGroupCoordinator({ groupId: id, coordinatorType: kind }),
      use,
    );
  }

  async #with<T>(
    find: (cluster: Cluster) => Promise<Broker>,
    use: (broker: Broker) => Promise<T>,
  ): Promise<T> {
    let broker: Broker;
    const handle = await this.#ready();
    try {
      broker = await find(handle.cluster);
      await connectionOf(broker);
    } catch (error) {
      if (!isPassing(codeOf(error))) this.#replace(handle, 'it could not be used');
      throw new NotSent(error);
    }
    try {
      return await use(broker);
    } catch (error) {
      // An answer, if a refusal: the connection is well.
      if (codeOf(error) !== undefined) throw error;
      // Its sequence of requests and answers may be off, or it may be dead and not know it.
      this.#replace(handle, 'a request got no answer');
      throw new NotAnswered(error);
    }
  }

  /** The broker that leads a partition. @throws NotSent when that is not known. */
  async leader(topic: string, partition: number): Promise<number> {
    const { cluster } = await this.#ready();
    const leader = leaderIn(cluster, topic, partition);
    if (leader !== undefined) return leader;
    await this.refresh();
    const found = leaderIn((await this.#ready()).cluster, topic, partition);
    if (found === undefined) throw new NotSent(`nobody leads ${topic}-${partition}`);
    return found;
  }

  /** Asks anew who leads what. Never throws: the next request shows what is wrong. */
  async refresh(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    await handle.cluster.refreshMetadata().catch(() => this.#replace(handle, 'no metadata'));
  }

  /** How many brokers the cluster has. */
  async brokerCount(): Promise<number> {
    const { cluster } = await this.#ready();
    return cluster.brokerPool.metadata?.brokers.length ?? 0;
  }

  async #ready(): Promise<ClusterHandle> {
    if (this.#closed) throw new MilenaError('LOG_UNAVAILABLE', 'The log is closed.');
    this.#current ??= this.#connect();
    return await this.#current;
  }

  async #connect(): Promise<ClusterHandle> {
    const handle = makeCluster(this.#address, this.#timeoutMs);
    try {
      await handle.cluster.connect();
      await handle.cluster.addMultipleTargetTopics(this.#topics);
    } catch (error) {
      this.#current = undefined;
      handle.destroy('it could not connect');
      throw new NotSent(error);
    }
    if (this.#closed) handle.destroy('the log is closed');
    this.#handle = handle;
    return handle;
  }

  /** kafkajs does not recover well from a broken connection; a new cluster object does. */
  #replace(handle: ClusterHandle, reason: string): void {
    if (this.#handle === handle) {
      this.#handle = undefined;
      this.#current = undefined;
    }
    handle.destroy(reason);
  }

  /** Closes all connections now; requests under way reject. */
  close(): void {
    this.#closed = true;
    this.#handle?.destroy('the log is closed');
  }
}

function leaderIn(cluster: Cluster, topic: string, partition: number): number | undefined {
  const found = cluster.findTopicPartitionMetadata(topic).find((one) => one.partitionId === partition);
  return found?.leader === null || found?.leader === -1 ? undefined : found?.leader;
}

/** How long to go on trying. */
export interface Patience {
  readonly untilMs: number;
  readonly signal?: AbortSignal;
}

/** Patience from now. */
export function patience(ms: number, signal?: AbortSignal): Patience {
  return { untilMs: performance.now() + ms, ...(signal === undefined ? {} : { signal }) };
}

/**
 * Repeats what may be repeated (reads, and requests that change nothing the second time) through elections,
 * lost connections and brokers that start.
 * @throws MilenaError LOG_UNAVAILABLE when patience ends; BrokerRefused and others at once.
 */
export async function persist<T>(lane: Lane, patience: Patience, what: () => Promise<T>): Promise<T> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 500)) {
    try {
      return await what();
    } catch (error) {
      const passes = error instanceof NotSent || error instanceof NotAnswered || isPassing(codeOf(error));
      if (!passes || patience.signal?.aborted === true) throw error;
      if (performance.now() + pause > patience.untilMs) {
        throw new MilenaError('LOG_UNAVAILABLE', undefined, { cause: error });
      }
      await sleep(pause, undefined, patience.signal === undefined ? {} : { signal: patience.signal });
      if (error instanceof BrokerRefused || codeOf(error) !== undefined) await lane.refresh();
    }
  }
}
