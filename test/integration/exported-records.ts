import type { SharedServer } from '../support/shared-server.ts';

/**
 * How many records of each topic `milena log export` writes: what a refused request must not change. Undefined
 * for a server that we did not start.
 */
export async function exportedRecords(
  server: Pick<SharedServer, 'milena'>,
): Promise<ReadonlyMap<string, number> | undefined> {
  const outcome = await server.milena(['log', 'export', '-'], 120_000);
  if (outcome === undefined) return undefined;
  const { code, stdout, stderr } = outcome;
  if (code !== 0) throw new Error(`milena log export: exit ${code}: ${stderr.slice(-1000)}`);
  const counts = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    if (line === '') continue;
    const topic = /"topic":"([^"]+)"/.exec(line)?.[1];
    if (topic !== undefined) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  if (counts.size === 0)
    throw new Error('the export holds no record: the format is not as this test knows it');
  return counts;
}
