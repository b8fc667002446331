/** Postgres's last words in plain ones: what is the matter and what to do. */
export function explain(output: string): string {
  const known = causes.find(([pattern]) => pattern.test(output));
  const last = output
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .slice(-5)
    .join('\n');
  return known === undefined ? last || 'it ended without a word' : `${known[1]}\n${last}`;
}

const causes: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|Disk quota exceeded/i, 'the disk is full. Make room, then start again.'],
  [
    /database files are incompatible|was initialized by PostgreSQL version/i,
    'the data is of another Postgres version. Export the log with the Milena that made it (milena log export).',
  ],
  [
    /could not locate a valid checkpoint|invalid (primary )?checkpoint|is damaged|incorrect checksum|could not read .*: (read only|Input\/output)|PANIC/i,
    'the data is broken. Restore the data folder from a backup; keep the broken one until then.',
  ],
  [
    /pre-existing shared memory block|lock file "postmaster.pid" already exists|is another (postmaster|postgres)/i,
    'another Postgres still runs on this data. Stop it, then start again.',
  ],
  [
    /invalid permissions|wrong ownership|Permission denied/i,
    'Postgres may not use its folder: it must belong to the user who runs Milena, mode 0700.',
  ],
  [
    /could not look up effective user ID/i,
    'this user has no name, and initdb wants one: add it to /etc/passwd, or use MILENA_POSTGRES_URL.',
  ],
  [
    /Cannot allocate memory|could not (map|create) .*shared memory/i,
    'there is not enough memory for Postgres.',
  ],
  [
    /unrecognized configuration parameter|syntax error in file/i,
    'local.conf has a setting Postgres does not know.',
  ],
];
