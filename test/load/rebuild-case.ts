import { loadavg } from 'node:os';
import { calibrate } from './calibration.ts';
import type { Row } from './report.ts';
import type { Effort } from './send-cases.ts';
import type { Target } from './target.ts';

/** The read models of the architecture's section 6 that are built. */
const MODELS = ['room_state', 'timeline', 'sync', 'accounts', 'directory'] as const;

/** Rebuilds each model from the log that the cases before have left, and says how many records a second that is. */
export async function rebuilds(target: Target, _effort: Effort): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const model of MODELS) rows.push(await rebuild(target, model));
  return rows;
}

async function rebuild(target: Target, model: string): Promise<Row> {
  const load = loadavg()[0] ?? 0;
  const calibration = calibrate();
  const start = performance.now();
  const { code, stdout, stderr } = await target.milena(['rebuild', model], 300_000);
  const seconds = (performance.now() - start) / 1000;
  const records = Number(/(\d[\d,]*) records/.exec(stdout)?.[1]?.replaceAll(',', '') ?? Number.NaN);
  return {
    name: `rebuild of ${model}`,
    figures: { 'records/s': records / seconds, records, seconds },
    load,
    calibration,
    problems: code === 0 ? [] : [`exit ${code}: ${stderr.slice(-400)}`],
  };
}
