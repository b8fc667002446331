import { loadavg } from 'node:os';
import { calibrate } from './calibration.ts';
import type { Row } from './report.ts';
import type { Target } from './target.ts';
import { nodeMemory } from './usage.ts';

/** Proportional set size of all Node processes, after whatever ran before. */
export async function memory(target: Target): Promise<Row> {
  const bytes = nodeMemory(target.roots());
  return {
    name: 'memory of all Node processes',
    figures: { 'PSS MB': bytes / 1e6 },
    load: loadavg()[0] ?? 0,
    calibration: calibrate(),
    problems: [],
  };
}
