import type { Parse } from './parse-value.ts';

/** One key of the configuration. */
export interface Key<T> {
  /** Its name in the YAML file. In the environment it is the same in capitals, after `MILENA_`. */
  readonly name: string;
  /** What it means, for the example. A line each. */
  readonly about: readonly string[];
  readonly parse: Parse<T>;
  /** The default as one would write it; undefined where there is none, or where it follows from others. */
  readonly default: string | undefined;
  /** What to show in the example where there is no fixed default. */
  readonly sample?: string;
  /** A secret may also come from a file: `NAME_file`, `MILENA_NAME_FILE`. It is never printed. */
  readonly secret?: true;
}
