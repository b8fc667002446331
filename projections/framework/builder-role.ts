import { Database } from './database.ts';

/** The Postgres role that builds: it may write the new schema and the framework's tables, and read no other. */
const BUILDER = 'milena_builder';

/** A database for one build, with connections of its own. */
export interface BuilderDatabase {
  readonly database: Database;
  /** Whether it acts as a role that can read no other schema. */
  readonly isolated: boolean;
}

/**
 * A database that writes one new schema. It acts as the builder's role, or with the server's own rights where
 * this user may make no roles. Its connections are its own: while a build is switched in, all projectors of the
 * old schema may be waiting with theirs.
 */
export async function builderDatabase(database: Database, schema: string): Promise<BuilderDatabase> {
  const isolated = await grantBuilder(database, schema).then(
    () => true,
    () => false,
  );
  const role = isolated ? { role: BUILDER } : {};
  return { database: new Database({ ...database.options, ...role, readers: 1 }), isolated };
}

async function grantBuilder(database: Database, schema: string): Promise<void> {
  await database.script(`
    DO $$ BEGIN
      CREATE ROLE ${BUILDER} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$;
    GRANT ${BUILDER} TO CURRENT_USER;
    GRANT USAGE ON SCHEMA projection, ${schema} TO ${BUILDER};
    GRANT SELECT, UPDATE ON projection.checkpoints TO ${BUILDER};
    GRANT SELECT, INSERT, UPDATE, DELETE ON projection.poison TO ${BUILDER};
    GRANT SELECT ON projection.discarded TO ${BUILDER};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${BUILDER};`);
}

/** Takes the rights to a schema away again: the next build must not read it. */
export async function revokeBuilder(database: Database, schema: string): Promise<void> {
  await database.script(`
    REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${BUILDER};
    REVOKE ALL ON SCHEMA ${schema} FROM ${BUILDER};`);
}
