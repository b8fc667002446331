/** A slot as the leases table shows it. */
export interface LeaseRow {
  readonly slot: number;
  /** The ID of the node that has it, or null. */
  readonly node: string | null;
}

/** What a node should do so that slots become evenly spread. */
export interface LeasePlan {
  /** Free slots to take. */
  readonly take: readonly number[];
  /** Own slots to let go, once they are closed. */
  readonly give: readonly number[];
}

/**
 * Plans one node's next step. Every node plans for itself from the same rows: the live nodes, sorted by ID,
 * are due equal numbers of slots, the first ones one more. So all slots find an owner, none is moved between
 * two nodes that have what they are due, and no node has to be in charge.
 */
export function planLeases(me: string, live: readonly string[], leases: readonly LeaseRow[]): LeasePlan {
  const nodes = [...live].sort();
  const rank = nodes.indexOf(me);
  if (rank < 0) return { take: [], give: [] };
  const due = Math.floor(leases.length / nodes.length) + (rank < leases.length % nodes.length ? 1 : 0);
  const mine = leases.filter((lease) => lease.node === me).map((lease) => lease.slot);
  const free = leases.filter((lease) => lease.node === null).map((lease) => lease.slot);
  return {
    take: free.slice(0, Math.max(0, due - mine.length)),
    give: mine.slice(due),
  };
}
