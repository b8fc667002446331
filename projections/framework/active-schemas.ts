import { MilenaError } from '../../src/errors/milena-error.ts';
import type { Database } from './database.ts';
import type { Parameter } from './model.ts';

/** SQL of a query over active schemas: `(schema) => \`SELECT … FROM ${schema('timeline')}.events\``. */
export type ModelSql = (schema: (model: string) => string) => string;

/** Runs queries over the active schemas of the models. What every `queries.ts` is made with. */
export interface ModelDatabase {
  /**
   * Runs a prepared query. `sql` is a constant of the module that uses it: its text is made once per switch.
   * @param values texts, numbers, nulls; a `Buffer` of `columns.ts` for arrays.
   */
  query<Row extends object>(sql: ModelSql, values?: readonly Parameter[]): Promise<readonly Row[]>;
}

/** Which schema of each model is active, kept in memory. */
export class ActiveSchemas implements ModelDatabase {
  readonly #database: Database;
  #schemas: ReadonlyMap<string, string> = new Map();
  #texts = new WeakMap<ModelSql, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Takes the schemas that are active now: at the start, and whenever a rebuild has switched. */
  set(schemas: ReadonlyMap<string, string>): void {
    this.#schemas = schemas;
    this.#texts = new WeakMap();
  }

  /** The active schema of a model. @throws MilenaError UNAVAILABLE when it has none yet. */
  of(model: string): string {
    const schema = this.#schemas.get(model);
    if (schema === undefined) throw new MilenaError('UNAVAILABLE', `the model ${model} is not built yet`);
    return schema;
  }

  async query<Row extends object>(sql: ModelSql, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    let text = this.#texts.get(sql);
    if (text === undefined) {
      text = sql((model) => this.of(model));
      this.#texts.set(sql, text);
    }
    return this.#database.query<Row>(text, values);
  }
}
