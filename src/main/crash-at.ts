/**
 * Ends this process as kill -9 does, right after the step of a saga that `MILENA_TEST_CRASH_AT` names. For
 * fault tests only: without `NODE_ENV=test` nothing ever happens.
 */
export function crashAt(step: string): void {
  if (process.env['NODE_ENV'] !== 'test' || process.env['MILENA_TEST_CRASH_AT'] !== step) return;
  process.kill(process.pid, 'SIGKILL');
}
