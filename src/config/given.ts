/** What one source (the file, the environment) says about one key. */
export interface GivenValue {
  /** The texts of a list, or the one text. */
  readonly texts: readonly string[];
  /** Where it stands, for messages: `milena.yaml:3:7: port` or `MILENA_PORT`. */
  readonly where: string;
}

/** What a source says, and what is wrong with how it says it. */
export interface Source {
  /** By the key's name in the YAML file. */
  readonly values: ReadonlyMap<string, GivenValue>;
  /** Complete messages. */
  readonly problems: readonly string[];
}
