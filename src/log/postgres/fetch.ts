import type { LogRecord, Offset } from '../port.ts';
import { type TopicName, topicNames } from '../topics.ts';
import type { Database, Statement } from './database.ts';
import { partNumbers } from './pack.ts';

/** The most bytes of values in one fetch, unless the first record alone has more. */
const maxFetchBytes = 4 * 1024 * 1024;

const parts = { [partNumbers.chunk]: 'chunk', [partNumbers.closing]: 'closing' } as const;

/**
 * The next records from an offset. The running sum keeps a batch of large records from filling the memory; it
 * looks at lengths only, so values that are left out are not read.
 */
const statements: ReadonlyMap<TopicName, Statement> = new Map(
  topicNames.map((topic) => [
    topic,
    {
      name: `log-fetch-${topic}`,
      text: `
SELECT "offset", epoch, at, origin, part, type, key, command, value
FROM (
  SELECT *, sum(octet_length(value)) OVER (ORDER BY "offset") - octet_length(value) AS before
  FROM (
    SELECT * FROM log.${topic}
    WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3
    ORDER BY "offset" LIMIT $4
  ) AS window_of_records
) AS measured
WHERE before IS NULL OR before < ${maxFetchBytes}
ORDER BY "offset"`,
    },
  ]),
);

/** What a fetch gave. */
export interface Fetched {
  /** Stored records in offset order, void ones and claims included. */
  readonly records: readonly LogRecord[];
  /** Whether there was nothing more below the bound when it was read. */
  readonly complete: boolean;
}

/**
 * Reads stored records from one partition.
 * @throws MilenaError LOG_UNAVAILABLE
 */
export async function fetchStored(
  database: Database,
  topic: TopicName,
  partition: number,
  range: { readonly from: Offset; readonly to: Offset; readonly limit: number },
): Promise<Fetched> {
  const statement = statements.get(topic);
  if (statement === undefined) return { records: [], complete: true };
  const { rows } = await database.query(statement, [partition, range.from, range.to, range.limit]);
  const records = rows.map((row) => recordOf(topic, partition, row));
  const bytes = records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0);
  return { records, complete: records.length < range.limit && bytes < maxFetchBytes };
}

function recordOf(topic: TopicName, partition: number, row: readonly unknown[]): LogRecord {
  // The columns are those of the statement above, in its order.
  const [offset, epoch, at, origin, part, type, key, command, value] = row as [
    number,
    number,
    number,
    number,
    number,
    string,
    Buffer,
    Buffer,
    Buffer | null,
  ];
  return {
    topic,
    partition,
    offset,
    epoch,
    at,
    type,
    key: key.toString('utf8'),
    value,
    ...(command.length > 0 ? { command } : {}),
    ...(part === partNumbers.chunk || part === partNumbers.closing ? { part: parts[part] } : {}),
    ...(origin > 0 ? { origin } : {}),
  };
}
