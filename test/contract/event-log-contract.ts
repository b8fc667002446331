import { type ContractOptions, describeContract } from './case.ts';
import { appendingCases } from './cases/appending.ts';
import { assigningCases } from './cases/assigning.ts';
import { erasingCases } from './cases/erasing.ts';
import { fencingCases } from './cases/fencing.ts';
import { readingCases } from './cases/reading.ts';
import { transferringCases } from './cases/transferring.ts';
import type { MakeHarness } from './harness.ts';

/**
 * The contract of `EventLog` (`src/log/port.ts`): every adapter passes all of it, with a real server and real
 * processes.
 * @param name how the run is called: the adapter, and what is varied.
 */
export function eventLogContract(
  name: string,
  makeHarness: MakeHarness,
  options: ContractOptions = {},
): void {
  describeContract(
    `event log on ${name}`,
    makeHarness,
    (declare) => {
      appendingCases(declare);
      fencingCases(declare);
      readingCases(declare);
      erasingCases(declare);
      assigningCases(declare);
      transferringCases(declare);
    },
    options,
  );
}
