import { createKafkaLog, type KafkaLogOptions } from '../../../src/log/kafka/kafka-log.ts';
import type { EventLog } from '../../../src/log/port.ts';

/** Opens a log on Kafka from settings that have been through JSON. */
export function openLog(settings: unknown): Promise<EventLog> {
  // Written by `harness.ts` of the same version.
  return createKafkaLog(settings as KafkaLogOptions);
}
