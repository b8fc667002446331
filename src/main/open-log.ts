import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { createKafkaLog } from '../log/kafka/kafka-log.ts';
import type { EventLog } from '../log/port.ts';
import { createPostgresLog } from '../log/postgres/postgres-log.ts';
import { identityOfThisProcess, type ProcessIdentity, stateOf } from './data-folder/process-identity.ts';

/**
 * Opens the log that the configuration names.
 * @param alone true when this process holds the only Postgres there is: no other node can be alive.
 * @param onWarning told when the log is less durable than it should be: a sentence for the operator.
 */
export async function openLog(
  config: Config,
  postgresUrl: string,
  alone: boolean,
  onWarning: (text: string) => void,
): Promise<EventLog> {
  const software = `milena ${version}`;
  const { serverName } = config;
  const nodeId = nameOfThisProcess();
  if (config.log === 'kafka') {
    const { kafkaBrokers: brokers, kafkaPrefix: prefix, slots } = config;
    return createKafkaLog({ brokers, prefix, slots, serverName, software, node: nodeId, onWarning });
  }
  return createPostgresLog({
    connection: postgresUrl,
    slots: config.slots,
    serverName,
    node: nodeId,
    software,
    leases: { nodeId, replaces: (id) => alone || isGone(id) },
  });
}

/** Unique among processes that ever were, and told to be gone by others on this machine. */
function nameOfThisProcess(): string {
  const identity = Buffer.from(JSON.stringify(identityOfThisProcess())).toString('base64url');
  return `${identity}.${randomBytes(6).toString('base64url')}`;
}

function isGone(nodeId: string): boolean {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(nodeId.split('.')[0] ?? '', 'base64url').toString());
    return isIdentity(parsed) && stateOf(parsed) === 'gone';
  } catch {
    return false; // Named by other software: it may well live.
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && 'startTime' in value && 'realm' in value
  );
}
