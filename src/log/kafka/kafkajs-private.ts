import { createRequire } from 'node:module';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import kafkajs, { type ISocketFactory, type KafkaConfig, type SASLOptions } from 'kafkajs';

/**
 * What of kafkajs we use: its connections (framing, SASL, TLS, time limits), its metadata and the requests that
 * it knows. It has no maintainer since 2023 and we use its private parts, because its producer can't write
 * with the epoch of a claim and its consumer can't skip what compaction left out; so all of it stays in this
 * file and `lane.ts`, and the version is pinned.
 */
export interface Cluster {
  connect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(which: { readonly nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(which: { readonly groupId: string; readonly coordinatorType: 0 | 1 }): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  readonly brokerPool: { readonly metadata: { readonly brokers: readonly unknown[] } | null };
}

interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number | null;
  readonly partitionErrorCode: number;
}

/** A broker as kafkajs knows it. Its methods reject with an error that has a Kafka error code in `code`. */
export interface Broker {
  readonly nodeId: number;
  readonly connectionPool: { getConnection(index: number): Promise<Connection> };
  initProducerId(request: {
    readonly transactionalId: string;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  listOffsets(request: {
    readonly replicaId: -1;
    readonly isolationLevel: 0;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
    }[];
  }): Promise<{ readonly responses: readonly ListedOffsets[] }>;
  joinGroup(request: JoinGroup): Promise<JoinedGroup>;
  syncGroup(request: SyncGroup): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  describeGroups(request: { readonly groupIds: readonly string[] }): Promise<{
    readonly groups: readonly {
      readonly errorCode: number;
      readonly state: string;
      readonly members: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
    }[];
  }>;
}

interface ListedOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
}

/** A member's request to (re)join a group. It blocks until all members have, or `rebalanceTimeout` ms. */
export interface JoinGroup {
  readonly groupId: string;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly memberId: string;
  readonly protocolType: string;
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

/** The reply; only the leader gets the members. */
export interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

interface SyncGroup {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
}

/** A request and how to read its reply, in the form that a kafkajs connection sends. */
export interface WireRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
  readonly requestTimeout?: number;
}

/** Makes a request from bytes and a function that reads the reply. */
export function wireRequest<T>(
  api: { readonly key: number; readonly version: number; readonly name: string },
  body: Buffer,
  read: (payload: Buffer) => T,
): WireRequest<T> {
  return {
    request: {
      apiKey: api.key,
      apiVersion: api.version,
      apiName: api.name,
      encode: async () => ({ buf: body, buffer: body }),
    },
    response: { decode: async (payload) => read(payload), parse: async (decoded) => decoded },
  };
}

/** One TCP connection of kafkajs. */
export interface Connection {
  send<T>(request: WireRequest<T>): Promise<T>;
}

/** How to reach the brokers. */
export interface KafkaAddress {
  readonly brokers: readonly string[];
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: SASLOptions;
}

/** Connections of one purpose, and how to break them all at once. */
export interface ClusterHandle {
  readonly cluster: Cluster;
  /** Closes every socket now; requests under way reject. */
  destroy(reason: string): void;
}

/** A kafkajs client that says nothing on the console and keeps its own retries short: we have ours. */
export function kafkaClient(address: KafkaAddress, requestTimeout: number, socketFactory?: ISocketFactory) {
  return new kafkajs.Kafka({
    clientId: 'milena',
    brokers: [...address.brokers],
    connectionTimeout: 3_000,
    requestTimeout,
    retry: { initialRetryTime: 30, maxRetryTime: 500, retries: 4 },
    logLevel: kafkajs.logLevel.NOTHING,
    logCreator: () => () => {},
    ...(address.ssl === undefined ? {} : { ssl: address.ssl }),
    ...(address.sasl === undefined ? {} : { sasl: address.sasl }),
    ...(socketFactory === undefined ? {} : { socketFactory }),
  });
}

/** Makes a cluster object of its own connections (kafkajs shares none between its producers and consumers). */
export function makeCluster(address: KafkaAddress, requestTimeout: number): ClusterHandle {
  const sockets = new Set<Socket>();
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const socket: Socket =
      // kafkajs types `ssl` as a plain object; it is what the settings gave, which Node's TLS takes.
      ssl
        ? connectTls({ host, port, servername: host, ...(ssl as object) }, onConnect)
        : connectTcp({ host, port }, onConnect);
    // Without this a request in two packets waits for the peer's delayed acknowledgement, up to 40 ms.
    socket.setNoDelay(true).setKeepAlive(true, 10_000);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const client = kafkaClient(address, requestTimeout, socketFactory);
  const symbol = Object.getOwnPropertySymbols(client).find(
    (one) => one.description === 'private:Kafka:createCluster',
  );
  if (symbol === undefined) throw new Error('this version of kafkajs hides its cluster: use 2.2.4');
  // kafkajs keeps this function under a private symbol and gives it no type.
  const create = (client as unknown as Record<symbol, (options: object) => Cluster>)[symbol];
  if (create === undefined) throw new Error('this version of kafkajs hides its cluster: use 2.2.4');
  return {
    cluster: create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: 0 }),
    destroy(reason) {
      for (const socket of sockets) socket.destroy(new Error(reason));
    },
  };
}

/** The connection of a broker that our requests go over: the one that kafkajs has authenticated. */
export async function connectionOf(broker: Broker): Promise<Connection> {
  return await broker.connectionPool.getConnection(0);
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * After every reply kafkajs sets a timer of a negative delay (the time since 1970), of which Node 24 warns on the
 * console, and which does nothing unless the broker throttles us and requests wait. So it is set only then.
 */
function mendRequestQueue(): void {
  const path = 'kafkajs/src/network/requestQueue/index.js';
  // A class of kafkajs without types.
  const { prototype } = createRequire(import.meta.url)(path) as { readonly prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}

mendRequestQueue();
