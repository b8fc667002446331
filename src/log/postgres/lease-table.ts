import type { SlotOwner } from '../port.ts';
import type { Database } from './database.ts';
import type { LeaseRow } from './lease-plan.ts';

/** The tables `nodes` and `leases` as one statement saw them. */
export interface LeaseView {
  /** Whether the node that beat was still there; false also for one that only looks. */
  readonly alive: boolean;
  readonly nodes: readonly { readonly id: string; readonly beat: number }[];
  readonly leases: readonly LeaseRow[];
  readonly owners: readonly SlotOwner[];
}

/**
 * Beats (when a node's ID is given) and looks, in one statement. The rows are as before the beat, which
 * concerns nobody but others. A node that has been buried in the meantime beats in vain and learns it.
 */
const beatAndLook = {
  name: 'log-beat',
  text: `
WITH beating AS (UPDATE log.nodes SET beat = beat + 1 WHERE id = $1 RETURNING id)
SELECT (SELECT count(*) FROM beating)::int,
  (SELECT coalesce(json_agg(json_build_object('id', id, 'beat', beat)), '[]') FROM log.nodes),
  (SELECT coalesce(json_agg(json_build_object(
      'slot', slot, 'node', node, 'epoch', epoch, 'address', address) ORDER BY slot), '[]')
   FROM log.leases LEFT JOIN log.nodes ON nodes.id = leases.node)`,
};

/** Beats and looks. Without an ID it only looks. @throws MilenaError LOG_UNAVAILABLE */
export async function look(database: Database, node: string | null): Promise<LeaseView> {
  const { rows } = await database.query(beatAndLook, [node]);
  // As the statement builds them.
  const [alive, nodes, leases] = rows[0] as [
    number,
    { id: string; beat: number }[],
    { slot: number; node: string | null; epoch: number | null; address: string | null }[],
  ];
  return {
    alive: alive > 0,
    nodes,
    leases: leases.map(({ slot, node }) => ({ slot, node })),
    owners: leases.map(({ slot, address, epoch }) => ({
      slot,
      ...(address === null ? {} : { node: address }),
      ...(address === null || epoch === null ? {} : { epoch }),
    })),
  };
}

/** Enters a node. Its beat begins anywhere, so that nobody takes it for one that was there before. */
export async function enter(database: Database, id: string, address: string): Promise<void> {
  await database.query(
    {
      name: 'log-enter',
      text: `INSERT INTO log.nodes (id, address, beat) VALUES ($1, $2, floor(random() * 1e12))
             ON CONFLICT (id) DO UPDATE SET address = excluded.address, beat = nodes.beat + 1`,
    },
    [id, address],
  );
}

/** Removes nodes that are known to be gone; their slots are free at once. */
export async function removeNodes(database: Database, ids: readonly string[]): Promise<void> {
  await database.query({ name: 'log-remove-nodes', text: 'DELETE FROM log.nodes WHERE id = ANY($1)' }, [ids]);
}

/**
 * Removes a node whose beat has stood still, if it still does. The row's lock decides between this and a late
 * beat: either the beat comes first and nothing is removed, or the beat finds no row.
 */
export async function bury(database: Database, id: string, beat: number): Promise<boolean> {
  const { rowCount } = await database.query(
    { name: 'log-bury', text: 'DELETE FROM log.nodes WHERE id = $1 AND beat = $2' },
    [id, beat],
  );
  return rowCount > 0;
}

/**
 * Takes free slots. The foreign key keeps a node that was buried meanwhile from taking any.
 * @returns those it got.
 */
export async function takeSlots(
  database: Database,
  id: string,
  slots: readonly number[],
): Promise<readonly number[]> {
  const { rows } = await database.query(
    {
      name: 'log-take-slots',
      text: `UPDATE log.leases SET node = $1, epoch = NULL
             WHERE slot = ANY($2) AND node IS NULL RETURNING slot`,
    },
    [id, slots],
  );
  return rows.map((row) => Number(row[0]));
}

/** Lets slots go. */
export async function giveSlots(database: Database, id: string, slots: readonly number[]): Promise<void> {
  await database.query(
    {
      name: 'log-give-slots',
      text: 'UPDATE log.leases SET node = NULL, epoch = NULL WHERE slot = ANY($2) AND node = $1',
    },
    [id, slots],
  );
}

/** Records the epoch of a claim, if the node still has the slot. */
export async function recordEpoch(
  database: Database,
  id: string,
  slot: number,
  epoch: number,
): Promise<void> {
  await database.query(
    { name: 'log-record-epoch', text: 'UPDATE log.leases SET epoch = $3 WHERE slot = $2 AND node = $1' },
    [id, slot, epoch],
  );
}
