import { MilenaError } from '../errors/milena-error.ts';
import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import type { MasterKey } from '../log/sealing/master-key.ts';

/**
 * Refuses to go on with a master key that the log's keys were not wrapped with: nothing sealed could be read,
 * and what is written now could not be read by the other nodes.
 * @param folder the data folder, for the message.
 * @throws MilenaError DATA_MISMATCH that names the way out.
 */
export async function requireSameMaster(
  log: EventLog,
  codec: Codec,
  master: MasterKey,
  folder: string,
): Promise<void> {
  const wrapped = await firstMaster(log, codec);
  if (wrapped === undefined || wrapped === master.id) return;
  throw new MilenaError(
    'DATA_MISMATCH',
    `${folder}/master.key is not the key that this log was written with. Copy master.key from the data folder ` +
      'that made the log (or from its backup): without it no content can be read.',
  );
}

/** Which master key wrapped the first key on the log; undefined while there is none. */
async function firstMaster(log: EventLog, codec: Codec): Promise<string | undefined> {
  const ends = await log.ends('content_keys');
  for (const [partition, to] of ends.entries()) {
    const options = { from: { offset: 0, epoch: 0 }, to, batchSize: 16 };
    for await (const { records } of log.read('content_keys', partition, options)) {
      for (const { type, value } of records) {
        if (type !== 'content_key' || value === null) continue;
        const fact = codec.decode(value);
        if (fact.type === 'content_key') return fact.value.master;
      }
    }
  }
  return undefined;
}
