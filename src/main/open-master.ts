import { unlink } from 'node:fs/promises';
import { MilenaError } from '../errors/milena-error.ts';
import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import { type MasterKey, masterKey as wrappingKey } from '../log/sealing/master-key.ts';
import { masterKey, masterKeyFile, savedMasterKey } from './data-folder/secrets.ts';

/**
 * The master key of the data folder. It is made only where the log has no sealed content yet and no other node has
 * begun it; one that the log's keys were not wrapped with is refused: nothing sealed could be read, and what is
 * written now could not be read by the other nodes. A refusal changes nothing, neither in the folder nor on the log.
 * @param folder the data folder.
 * @throws MilenaError DATA_MISMATCH that names the way out; START_FAILED when the file is no such key.
 */
export async function openMaster(log: EventLog, codec: Codec, folder: string): Promise<MasterKey> {
  const wrapped = await masterOfLog(log, codec);
  const saved = await savedMasterKey(folder);
  if (wrapped === undefined) return firstMaster(log, folder, saved);
  if (saved === undefined) throw refusal(folder, 'is missing, and this log has sealed content');
  const master = wrappingKey(saved);
  if (master.id !== wrapped) throw refusal(folder, 'is not the key that sealed the content of this log');
  return master;
}

/** The master key over a log without sealed content: the first node's, which every later one must have. */
async function firstMaster(log: EventLog, folder: string, saved: Uint8Array | undefined): Promise<MasterKey> {
  if (saved === undefined && (await log.noteMaster()) !== undefined)
    throw refusal(folder, 'is missing, and another node has begun this log');
  const master = wrappingKey(saved ?? (await masterKey(folder)));
  if ((await log.noteMaster(master.id)) === master.id) return master;
  // Two nodes that were begun at once: only one of the keys may stay.
  if (saved === undefined) await unlink(masterKeyFile(folder));
  throw refusal(folder, 'is not the key of the node that began this log');
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
