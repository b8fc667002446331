import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { RecordType } from './records.ts';

const folder = new URL('../../schemas/', import.meta.url);

/** The Avro schemas of this version of the software, as they stand in `schemas/`: JSON text by record type. */
export const schemaTexts: ReadonlyMap<RecordType, string> = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => [
      // `test/checks/schemas.test.ts` proves that the files are exactly the keys of `Records`.
      basename(file, '.avsc') as RecordType,
      readFileSync(new URL(file, folder), 'utf8'),
    ]),
);
