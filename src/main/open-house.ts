import type { Logger } from 'pino';
import type { House } from '../cli/house.ts';
import type { Config } from '../config/config.ts';
import { CommandForwarder } from '../http/internal/forwarder.ts';
import { Argon2Passwords } from '../http/passwords.ts';
import { createLogger } from '../telemetry/logger.ts';
import { keepCompact } from './compaction.ts';
import { type Core, openCore } from './core.ts';
import { LocalHouse } from './local-house.ts';
import { processManagers } from './managers.ts';
import { OwnWhileUsable } from './own-while-usable.ts';
import { buildOwners, type Owners } from './owners.ts';
import { openReadModels, type ReadModels } from './read-models.ts';
import { Readiness } from './readiness.ts';
import { reportOwnerEvent } from './report-owner-event.ts';

/** The server without its listeners. */
export interface OpenHouse extends AsyncDisposable {
  readonly core: Core;
  readonly models: ReadModels;
  readonly owners: Owners;
  readonly passwords: Argon2Passwords;
  readonly readiness: Readiness;
  readonly house: House;
  readonly logger: Logger;
}

/** How a house is opened. */
export interface OpenHouseOptions {
  /** What for, told to whoever meets the data folder's lock. */
  readonly doing: string;
  readonly owns: boolean;
  readonly projects: boolean;
  /** Whether process managers run here. */
  readonly manages: boolean;
  /** Whether the log is only to be filled, by an import (default false). */
  readonly fills?: boolean;
  /** This node's address on the internal listener; known before the owners join. */
  readonly node: () => string;
  readonly logger?: Logger;
}

/** What a start begins; all that the house was opened for where nothing is said. */
export interface StartOptions {
  readonly own?: boolean;
  readonly project?: boolean;
}

/** A node without the role owns nothing. */
const NOBODY = { start: async () => undefined, stop: async () => undefined };

/** What a start leaves running. */
export interface Started {
  /** Resolves when every read model is of this version of the software: at once, unless another one made them. */
  readonly built: Promise<void>;
}

/** Opens the pieces in order; disposing closes them in the reverse order. Nothing is owned until `start`. */
export async function openHouse(
  config: Config,
  options: OpenHouseOptions,
): Promise<OpenHouse & { readonly start: (options?: StartOptions) => Promise<Started> }> {
  const logger = options.logger ?? createLogger(config.logLevel);
  await using stack = new AsyncDisposableStack();
  const core = stack.use(await openCore(config, options.doing));
  const models = stack.use(await openReadModels(core));
  const forwarder = new CommandForwarder(core.internalSecret, config.requestTimeout);
  stack.defer(() => forwarder.close());
  const owners = buildOwners(core, {
    node: options.node,
    owns: options.owns,
    loader: models.loader,
    forward: (node, command) => forwarder.forward(node, command),
    report: (event) => reportOwnerEvent(logger, event),
  });
  const owning = stack.use(
    new OwnWhileUsable(owners.service ?? NOBODY, models, (err) =>
      logger.warn({ err }, 'slots could not be joined or left'),
    ),
  );
  // Before the owners: managers send commands.
  stack.defer(() => models.projections.stopManaging());
  const { passwordHashMemory: memory, passwordHashPasses: passes, passwordHashesAtOnce: atOnce } = config;
  const passwords = new Argon2Passwords({ memory, passes, atOnce });
  const readiness = new Readiness(core, models, owners);
  const house = new LocalHouse({
    serverName: config.serverName,
    bus: owners.bus,
    models,
    log: core.log,
    assignment: owners.assignment,
    passwords,
    unready: () => readiness.reasons(),
    fills: options.fills ?? false,
  });
  const following = new AbortController();
  stack.defer(() => following.abort());
  // Erasures made by other nodes act here at once.
  core.contentKeys.follow(following.signal).catch((err: unknown) => {
    if (!following.signal.aborted) logger.warn({ err }, 'the content keys cannot be followed');
  });
  stack.use(
    keepCompact(
      core.log,
      (slot) => owners.assignment.leaseUntil(slot) > performance.now(),
      (err) => logger.warn({ err }, 'the log could not be compacted; it is tried again'),
    ),
  );
  const start = async ({ own, project }: StartOptions = {}): Promise<Started> => {
    const manage = options.manages ? processManagers({ core, models, owners, logger }) : undefined;
    const report = (err: unknown): void =>
      logger.warn({ err }, 'a read model could not be built; it is tried again');
    const started = await models.start(project ?? options.projects, report, manage);
    if (own ?? true) await owning.begin();
    return started;
  };
  const kept = stack.move();
  const dispose = () => kept.disposeAsync();
  return { core, models, owners, passwords, readiness, house, logger, start, [Symbol.asyncDispose]: dispose };
}
