/** A metric and the channel message that it is made from. */
export type Measure =
  | {
      readonly kind: 'seconds';
      readonly channel: string;
      readonly name: string;
      readonly help: string;
      readonly labels: readonly string[];
      /** The message's field with milliseconds. */
      readonly from: string;
    }
  | {
      readonly kind: 'count';
      readonly channel: string;
      readonly name: string;
      readonly help: string;
      readonly labels: readonly string[];
      /** The message's field with the number to add; without it each message counts one. */
      readonly from?: string;
    };

/**
 * Every metric that comes from a `node:diagnostics_channel`. Labels are fields of the message with few values:
 * never a room, a user or a path.
 */
export const measures: readonly Measure[] = [
  {
    kind: 'seconds',
    channel: 'milena:http:request',
    name: 'milena_http_request_seconds',
    help: 'From the request to the end of the answer, by route pattern.',
    labels: ['method', 'route', 'status'],
    from: 'durationMs',
  },
  {
    kind: 'seconds',
    channel: 'milena:owner:append',
    name: 'milena_owner_append_seconds',
    help: 'One append to the log, by topic.',
    labels: ['topic'],
    from: 'ms',
  },
  {
    kind: 'count',
    channel: 'milena:owner:append',
    name: 'milena_owner_decisions_total',
    help: 'Decisions appended; by appends that is the size of a group commit.',
    labels: ['topic'],
    from: 'decisions',
  },
  {
    kind: 'count',
    channel: 'milena:owner:append',
    name: 'milena_owner_records_total',
    help: 'Records appended.',
    labels: ['topic'],
    from: 'records',
  },
  {
    kind: 'count',
    channel: 'milena:log:statement',
    name: 'milena_postgres_statements_total',
    help: 'Statements of the log in Postgres, by purpose.',
    labels: ['name'],
  },
  {
    kind: 'count',
    channel: 'milena:log:commit',
    name: 'milena_log_commits_total',
    help: 'Commits of owners to the log in Postgres; slots that append at the same time share one.',
    labels: ['topic'],
  },
  {
    kind: 'count',
    channel: 'milena:models:statement',
    name: 'milena_models_statements_total',
    help: 'Statements sent to the read models: query (for answers), read and write (by projectors).',
    labels: ['name'],
    from: 'count',
  },
  {
    kind: 'seconds',
    channel: 'milena:projector:batch',
    name: 'milena_projector_batch_seconds',
    help: 'One batch from taking its records to their commit, by read model.',
    labels: ['model'],
    from: 'ms',
  },
  {
    kind: 'seconds',
    channel: 'milena:projector:batch',
    name: 'milena_projector_lag_seconds',
    help: 'From a record being written to its batch being committed, by read model.',
    labels: ['model'],
    from: 'late',
  },
  {
    kind: 'count',
    channel: 'milena:projector:batch',
    name: 'milena_projector_records_total',
    help: 'Records projected, by read model.',
    labels: ['model'],
    from: 'records',
  },
  {
    kind: 'count',
    channel: 'milena:projector:poison',
    name: 'milena_projector_poison_total',
    help: 'Records set aside, by read model.',
    labels: ['model'],
  },
];
