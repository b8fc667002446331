import { after, before, describe, type TestContext, test } from 'node:test';
import type { Harness, LogUnderTest, MakeHarness } from './harness.ts';

/** What a case is given: an empty log of its own, and the harness's bounds. */
export interface CaseContext {
  readonly log: LogUnderTest;
  readonly harness: Harness;
  readonly test: TestContext;
}

/** Declares a case of the contract: its name is the sentence that it proves. */
export type DeclareCase = (name: string, body: (context: CaseContext) => Promise<void>) => void;

/** Which cases run. */
export interface ContractOptions {
  /** Only those whose name matches: for a harness that varies one thing. */
  readonly only?: RegExp;
}

/** Runs cases against an adapter's harness; where it can't be had, all show as skipped, with the reason. */
export function describeContract(
  name: string,
  makeHarness: MakeHarness,
  declare: (declareCase: DeclareCase) => void,
  options: ContractOptions = {},
): void {
  describe(name, { concurrency: 1 }, () => {
    let made: Awaited<ReturnType<MakeHarness>>;
    before(async () => {
      made = await makeHarness();
    });
    after(async () => {
      if (made !== undefined && !('skip' in made)) await made[Symbol.asyncDispose]();
    });
    declare((sentence, body) => {
      if (options.only?.test(sentence) === false) return;
      test(sentence, { timeout: 120_000 }, async (context) => {
        if ('skip' in made) return context.skip(made.skip);
        await using log = await made.fresh();
        await body({ log, harness: made, test: context });
      });
    });
  });
}
