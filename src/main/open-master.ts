import { MilenaError } from '../errors/milena-error.ts';
import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import { type MasterKey, masterKey as wrappingKey } from '../log/sealing/master-key.ts';
import { masterKey, savedMasterKey } from './data-folder/secrets.ts';

/**
 * The master key of the data folder. It is made only where the log has no sealed content yet; one that the log's
 * keys were not wrapped with is refused: nothing sealed could be read, and what is written now could not be read
 * by the other nodes. A refusal changes nothing, neither in the folder nor on the log.
 * @param folder the data folder.
 * @throws MilenaError DATA_MISMATCH that names the way out; START_FAILED when the file is no such key.
 */
export async function openMaster(log: EventLog, codec: Codec, folder: string): Promise<MasterKey> {
  const wrapped = await masterOfLog(log, codec);
  if (wrapped === undefined) return wrappingKey(await masterKey(folder));
  const saved = await savedMasterKey(folder);
  if (saved === undefined) throw refusal(folder, 'is missing, and this log has sealed content');
  const master = wrappingKey(saved);
  if (master.id !== wrapped) throw refusal(folder, 'is not the key that sealed the content of this log');
  return master;
}

function refusal(folder: string, what: string): MilenaError {
  return new MilenaError(
    'DATA_MISMATCH',
    `${folder}/master.key ${what}. The way out: copy master.key from the data folder that made the log, or from ` +
      'its backup; without it no content can be read. Nothing was changed.',
  );
}

/** Which master key wrapped the first key on the log; undefined while there is none. */
async function masterOfLog(log: EventLog, codec: Codec): Promise<string | undefined> {
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
