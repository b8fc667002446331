/** JVM options: quick to start, small, and thrifty with the machine's cores. */
export const thriftyJvm: readonly string[] = [
  '-Xmx256m',
  '-Xms64m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
];

/** A cluster that other brokers can join. */
export interface KafkaCluster {
  readonly id: string;
  /** The port of its only controller, on the first node. */
  readonly controllerPort: number;
}

/** What makes a node a broker alone, in the cluster of another node. */
export function joiningProperties(
  { controllerPort }: KafkaCluster,
  port: number,
  node: number,
): Readonly<Record<string, string>> {
  return {
    'process.roles': 'broker',
    'node.id': String(node),
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
  };
}

/**
 * The properties file of one node that is broker and controller, on the loopback.
 * @param port where clients connect.
 * @param controller the controller's port, another one.
 * @param data the folder of its data.
 * @param overrides server properties that win over those here.
 */
export function brokerProperties(
  port: number,
  controller: number,
  data: string,
  overrides: Readonly<Record<string, string>>,
): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // One machine, few clients: 50 partitions each of these would only cost time and descriptors.
    'offsets.topic.num.partitions': '2',
    'transaction.state.log.num.partitions': '4',
    'log.cleaner.dedupe.buffer.size': '4194304',
    // After kill -9 the broker is let in again when its old session has ended: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...overrides,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
