import { MilenaError } from '../errors/milena-error.ts';

/** What a log says about itself, beside its records. */
export interface LogMeta {
  /** See `EventLog`. */
  readonly generation: string;
  /** Undefined until an opening names it. */
  readonly serverName: string | undefined;
  /** Whether an import began and has not ended. */
  readonly importing: boolean;
}

/**
 * Refuses a log that must not be opened: one that an import left half full, or another server's.
 * @param serverName this server; undefined when it does not matter.
 * @throws MilenaError DATA_MISMATCH that names the way out.
 */
export function refuseMisfit(meta: LogMeta, serverName: string | undefined): void {
  if (meta.importing) throw halfImported();
  if (serverName === undefined || meta.serverName === undefined || meta.serverName === serverName) return;
  throw new MilenaError(
    'DATA_MISMATCH',
    `The log belongs to the server name "${meta.serverName}", which is for good, and not to "${serverName}". ` +
      `The way out: set MILENA_SERVER_NAME=${meta.serverName}, or choose another log.`,
  );
}

/** The refusal of a log that is being imported, or whose import failed. */
export function halfImported(): MilenaError {
  return new MilenaError(
    'DATA_MISMATCH',
    'An import into this log is under way, or has failed: the log is not whole and is not served. The way out: ' +
      'wait for it; or, if it has failed, remove this log (the data folder; where the log lies elsewhere, its ' +
      'database or its topics) and import again into a new one (milena log import FILE).',
  );
}
