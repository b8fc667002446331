import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { CommandFailed, type House } from './house.ts';

/** Writes the log to a file, which has its name only once it is complete; `-` is standard output. */
export async function exportTo(house: House, file: string): Promise<number> {
  if (file === '-') return toStandardOutput(house.exportLog());
  const partial = `${file}.partial`;
  let bytes = 0;
  try {
    {
      await using target = await open(partial, 'w', 0o600);
      for await (const chunk of house.exportLog()) {
        await target.writeFile(chunk);
        bytes += chunk.length;
      }
      await target.sync();
    }
    await rename(partial, file);
    return bytes;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function toStandardOutput(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
  return bytes;
}

/** Reads such a file, or standard input (`-`), into the house's empty log. */
export async function importFrom(house: House, file: string): Promise<number> {
  const source = file === '-' ? process.stdin : createReadStream(file);
  try {
    return (await house.importLog(source)).records;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new CommandFailed(`there is no ${file}`);
    }
    throw error;
  }
}
