import type { SlotAssignment } from '../log/port.ts';
import { CommandRouter } from '../owner/command-router.ts';
import type { Command, CommandBus, CommandResult } from '../owner/commands.ts';
import { aggregateKinds } from '../owner/kinds/kinds.ts';
import type { Loader } from '../owner/loader.ts';
import { type OwnerEvent, OwnerService } from '../owner/owner-service.ts';
import { SlotLogOfLog } from '../owner/slot-log-of-log.ts';
import type { Core } from './core.ts';
import { crashAt } from './crash-at.ts';

/** Claims are renewed every few hours (architecture, section 3). */
const RENEW_MS = 4 * 3_600_000;
/** Aggregates that one slot keeps in memory. */
const KEEP = 4_000;

/** What commands go through in one process. */
export interface Owners {
  readonly bus: CommandBus;
  /** Undefined on a node that owns nothing. */
  readonly service: OwnerService | undefined;
  readonly assignment: SlotAssignment;
}

/** What owners need beside the core. */
export interface OwnersDeps {
  /** This node's address on the internal listener, known once that listens. */
  readonly node: () => string;
  readonly owns: boolean;
  readonly loader: Loader;
  readonly forward: (node: string, command: Command) => Promise<CommandResult>;
  readonly report: (event: OwnerEvent) => void;
}

/** Wires the router and, with the role `owner`, the owners of this node. They do not own anything yet. */
export function buildOwners(core: Core, deps: OwnersDeps): Owners {
  const { log, config } = core;
  const assignment = log.assignment();
  // Both are made of each other: sagas send commands, and the router sends to the local owners.
  const parts: { service?: OwnerService } = {};
  const bus = new CommandRouter({
    slots: log.slots,
    local: deps.owns ? { execute: (command) => serviceOf(parts).execute(command) } : undefined,
    node: deps.node,
    forward: deps.forward,
    owners: (fresh) => assignment.owners(fresh),
    timeoutMs: config.requestTimeout,
  });
  if (!deps.owns) return { bus, service: undefined, assignment };
  const slotParts = {
    log,
    codec: core.codec,
    keys: core.contentKeys,
    master: core.master,
    schemas: core.schemas,
  };
  parts.service = new OwnerService({
    slots: log.slots,
    assignment,
    node: deps.node,
    slotLog: (slot) => new SlotLogOfLog(slot, slotParts),
    loader: deps.loader,
    kinds: aggregateKinds(core.keys),
    bus,
    now: Date.now,
    keep: KEEP,
    renewMs: RENEW_MS,
    stepDone: crashAt,
    report: deps.report,
  });
  return { bus, service: parts.service, assignment };
}

function serviceOf(parts: { service?: OwnerService }): OwnerService {
  if (parts.service === undefined) throw new Error('the owners are not built yet');
  return parts.service;
}
