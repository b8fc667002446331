import { accountsModel } from '../../projections/accounts/model.ts';
import { AccountQueries } from '../../projections/accounts/queries.ts';
import { directoryModel } from '../../projections/directory/model.ts';
import { publicRooms } from '../../projections/directory/public-rooms.ts';
import { type DirectoryQueries, directoryQueries } from '../../projections/directory/queries.ts';
import type { LeaseHandlers } from '../../projections/framework/leases.ts';
import { Projections } from '../../projections/framework/projections.ts';
import { createLoader } from '../../projections/loader.ts';
import { createReadGate, type ReadGate } from '../../projections/read-gate.ts';
import { roomStateModel } from '../../projections/room_state/model.ts';
import { type RoomStateQueries, roomStateQueries } from '../../projections/room_state/queries.ts';
import { type FederationForm, federationForm } from '../../projections/sync/federation-form.ts';
import { syncModel } from '../../projections/sync/model.ts';
import { readNotifications } from '../../projections/sync/notified-events.ts';
import { createSyncReads } from '../../projections/sync/queries.ts';
import { createSyncService, type SyncService } from '../../projections/sync/service.ts';
import type { SyncReads } from '../../projections/sync/sync-reads.ts';
import { tailStart } from '../../projections/sync/tail-start.ts';
import { timelineModel } from '../../projections/timeline/model.ts';
import { type TimelineQueries, timelineQueries } from '../../projections/timeline/queries.ts';
import { visibleTimeline } from '../../projections/timeline/visible-timeline.ts';
import type { UserRow } from '../cli/house.ts';
import type { Reads } from '../http/deps.ts';
import type { CommandResult } from '../owner/commands.ts';
import type { Loader } from '../owner/loader.ts';
import { bringUpToDate } from './bring-up-to-date.ts';
import type { Core } from './core.ts';

/** How long the command line waits for a model to show what a command did, milliseconds. */
const SEEN_MS = 5_000;

/** The read models of one process: projectors where it has that role, queries always. */
export interface ReadModels extends AsyncDisposable {
  readonly projections: Projections;
  readonly accounts: AccountQueries;
  readonly directory: DirectoryQueries;
  readonly rooms: RoomStateQueries;
  readonly timeline: TimelineQueries;
  /** What HTTP asks. */
  readonly reads: Reads;
  readonly gate: ReadGate;
  readonly loader: Loader;
  readonly federationForm: FederationForm;
  /** Begins to follow the log for syncs. */
  startSync(report: (error: unknown) => void): Promise<SyncService>;
  /**
   * Begins to listen for checkpoints and, with `project`, to project and to build what another version made.
   * @param report told when a build has failed; it is tried again.
   * @param manage what to do with the partitions whose process managers this process runs; none without it.
   * @returns what resolves when every model is of this version.
   */
  start(
    project: boolean,
    report?: (error: unknown) => void,
    manage?: LeaseHandlers,
  ): Promise<{ readonly built: Promise<void> }>;
  /** Whether this software can serve the models as they are now. */
  usable(): boolean;
  /** Calls `changed` when that may have changed. */
  onUsable(changed: () => void): void;
  /** Resolves as soon as it can. */
  whenUsable(): Promise<void>;
  /** Every account. */
  users(): Promise<readonly UserRow[]>;
  /** Waits (bounded) until the models show what a command wrote. */
  reached(written: NonNullable<CommandResult['written']>): Promise<void>;
}

/** Opens them: makes the tables that are missing. */
export async function openReadModels(core: Core): Promise<ReadModels> {
  const { log, codec, contentKeys: keys, schemas, postgresUrl } = core;
  const projections = await Projections.open({
    database: { connection: { connectionString: postgresUrl } },
    log: { log, codec, keys, schemas },
    models: [roomStateModel, timelineModel, syncModel, accountsModel, directoryModel],
    announce: !(core.lock !== undefined && core.config.roles.length > 1),
  });
  const usable = (): boolean => projections.unusable().length === 0;
  const stack = new AsyncDisposableStack();
  stack.use(projections);
  const database = projections.queries;
  const accounts = new AccountQueries(database);
  const directory = directoryQueries(database);
  const rooms = roomStateQueries(database, log.slots);
  const timeline = timelineQueries(database);
  const syncReads = createSyncReads(database, projections.positions, log.slots);
  const gate = createReadGate(projections.positions, log, projections.models);
  return {
    projections,
    accounts,
    directory,
    rooms,
    timeline,
    gate,
    reads: readsOf({ database, accounts, directory, rooms, timeline, syncReads }),
    federationForm: federationForm(projections.source, timeline, log.slots),
    loader: createLoader(database, timeline, log.slots),
    async startSync(report) {
      return createSyncService({
        generation: log.generation,
        reads: syncReads,
        feed: (topic, partition) => projections.feed(topic, partition),
        ends: (topic) => log.ends(topic),
        start: await tailStart(projections.database, log),
        now: Date.now,
        openStatus: (key, closed) => core.master.openText(key, closed),
        report,
      });
    },
    async start(project, report = () => undefined, manage) {
      await projections.start({ project, ...(manage === undefined ? {} : { manage }) });
      if (!project) return { built: Promise.resolve() };
      const builder = stack.use(bringUpToDate(projections, report));
      return { built: builder.done };
    },
    usable,
    onUsable: (changed) => projections.onRefreshed(changed),
    whenUsable: () =>
      usable()
        ? Promise.resolve()
        : new Promise((resolve) => projections.onRefreshed(() => usable() && resolve())),
    async users() {
      const found = await accounts.accounts();
      return found.map(({ user_id, admin, deactivated, created_at }) => ({
        userId: user_id,
        admin,
        deactivated,
        createdAt: created_at,
      }));
    },
    async reached({ topic, partition, offset }) {
      // Owners write to topics of the log and nowhere else.
      await gate.reached(topic as Parameters<ReadGate['reached']>[0], partition, offset, SEEN_MS);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function readsOf(models: {
  readonly database: Projections['queries'];
  readonly accounts: AccountQueries;
  readonly directory: DirectoryQueries;
  readonly rooms: RoomStateQueries;
  readonly timeline: TimelineQueries;
  readonly syncReads: SyncReads;
}): Reads {
  const { database, accounts, directory, rooms, timeline, syncReads } = models;
  return {
    accounts,
    rooms,
    timeline: visibleTimeline(database, timeline, rooms),
    directory: {
      async alias(alias) {
        const found = await directory.alias(alias);
        // One that a saga only holds points nowhere yet.
        if (found === undefined || found.creator === null) return undefined;
        return { room_id: found.room_id, creator: found.creator };
      },
      aliases: (roomId) => directory.aliases(roomId),
      registrationToken: (tokenHash) => directory.registrationToken(tokenHash),
      listedAmong: (rooms) => directory.listedAmong(rooms),
      visibility: async (roomId) => (await directory.listing(roomId)) ?? 'private',
      list: (query) => publicRooms(database, query),
    },
    async notifications(query) {
      const { events, next } = await readNotifications(database, syncReads, query);
      const found = await timeline.eventsByIds(events.map(({ event_id }) => event_id));
      const notifications = events.flatMap((one) => {
        const event = found.get(one.event_id);
        return event === undefined ? [] : [{ ...one, event }];
      });
      return { notifications, ...(next === undefined ? {} : { next }) };
    },
  };
}
