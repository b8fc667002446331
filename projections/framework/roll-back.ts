import type { Database } from './database.ts';
import type { ReadModel } from './model.ts';
import { lockCheckpoints } from './rebuild-switch.ts';
import { dropScript, registeredModels } from './registry.ts';

/**
 * Makes the previous schema of a model active, if there is one and code of `version` has made it. It goes on
 * where it was left. The schema that it replaces is dropped. @returns whether it did.
 */
export async function rollBack(database: Database, model: ReadModel, version: number): Promise<boolean> {
  const row = (await registeredModels(database)).get(model.name);
  if (row === undefined || row.previous_schema === null || row.previous_version !== version) return false;
  const { active_schema: replaced, previous_schema: schema } = row;
  return database.transaction(async (client) => {
    await lockCheckpoints(client, replaced);
    const { rowCount } = await client.query(
      `UPDATE projection.models SET active_schema = $3, version = $4, previous_schema = NULL,
         previous_version = NULL WHERE name = $1 AND active_schema = $2 AND previous_schema = $3`,
      [model.name, replaced, schema, version],
    );
    if (rowCount !== 1) return false;
    await client.query('UPDATE projection.checkpoints SET closed = false WHERE schema = $1', [schema]);
    await client.query(dropScript(replaced));
    return true;
  });
}
