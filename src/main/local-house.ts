import type { ModelStatus } from '../../projections/framework/status.ts';
import {
  CommandFailed,
  type House,
  type HouseStatus,
  type NewPassword,
  type NewToken,
  type NewUser,
  type ProjectorStatus,
  type RebuildProgress,
  type TokenRow,
  type UserRow,
} from '../cli/house.ts';
import { version } from '../config/version.ts';
import { isMilenaError } from '../errors/milena-error.ts';
import type { PasswordHasher } from '../http/deps.ts';
import type { EventLog, SlotAssignment } from '../log/port.ts';
import { exportLog, importLog } from '../log/transfer.ts';
import { isStrictLocalpart, parseUserId, serverOf, type UserId } from '../matrix/identifiers.ts';
import { freshCommandId } from '../owner/command-id.ts';
import type { Command, CommandBus } from '../owner/commands.ts';
import type { ReadModels } from './read-models.ts';
import { RegistrationTokens } from './registration-tokens.ts';

/** What the house is made of, in the process that answers. */
export interface LocalHouseDeps {
  readonly serverName: string;
  readonly bus: CommandBus;
  readonly models: ReadModels;
  readonly log: EventLog;
  readonly assignment: SlotAssignment;
  readonly passwords: PasswordHasher;
  readonly unready: () => Promise<readonly string[]>;
  /** Whether this house is there to fill its log, and does nothing else. */
  readonly fills: boolean;
}

/** The server's own answers to the command line, through commands and queries like anybody's. */
export class LocalHouse implements House {
  readonly #deps: LocalHouseDeps;
  readonly #tokens: RegistrationTokens;

  constructor(deps: LocalHouseDeps) {
    this.#deps = deps;
    this.#tokens = new RegistrationTokens(deps.models.directory, (command) => this.#run(command));
  }

  async userAdd({ user, password, admin }: NewUser): Promise<{ readonly userId: string }> {
    const userId = this.#userId(user);
    if (password === '') throw new CommandFailed('The password is empty.');
    const password_hash = await this.#deps.passwords.hash(password);
    const user_kind = 'user' as const;
    await this.#run({
      kind: 'register_user',
      ...stamp(),
      user_id: userId,
      user_kind,
      admin,
      password_hash,
      terms: [],
    });
    return { userId };
  }

  userList(): Promise<readonly UserRow[]> {
    return this.#deps.models.users();
  }

  async userSetPassword({ user, password, keepDevices }: NewPassword): Promise<void> {
    if (password === '') throw new CommandFailed('The password is empty.');
    const password_hash = await this.#deps.passwords.hash(password);
    const user_id = this.#userId(user);
    await this.#runOn(user_id, {
      kind: 'set_password',
      ...stamp(),
      user_id,
      password_hash,
      logout_devices: !keepDevices,
    });
  }

  async userDeactivate({ user }: { readonly user: string }): Promise<void> {
    const user_id = this.#userId(user);
    await this.#runOn(user_id, { kind: 'deactivate_user', ...stamp(), user_id, erase: false, actor: 'cli' });
  }

  tokenAdd(request: NewToken): Promise<{ readonly token: string }> {
    return this.#tokens.add(request);
  }

  tokenList(): Promise<readonly TokenRow[]> {
    return this.#tokens.list();
  }

  tokenRemove({ token }: { readonly token: string }): Promise<void> {
    return this.#tokens.remove(token);
  }

  async status(): Promise<HouseStatus> {
    const { assignment, models, serverName, unready } = this.#deps;
    const [reasons, owners, statuses] = await Promise.all([
      unready(),
      assignment.owners(true),
      models.projections.status(),
    ]);
    const slots = owners.map(({ slot, node, epoch }) => ({
      slot,
      ...(node === undefined ? {} : { owner: node }),
      ...(epoch === undefined ? {} : { epoch }),
    }));
    const projectors = statuses.map(projectorStatus);
    return { version, serverName, ready: reasons.length === 0, reasons, slots, projectors };
  }

  async *rebuild(model: string): AsyncIterable<RebuildProgress> {
    const { projections } = this.#deps.models;
    const known = projections.models.some(({ name }) => name === model);
    if (!known) {
      const names = projections.models.map(({ name }) => name).join(', ');
      throw new CommandFailed(`There is no model ${model}; there are: ${names}.`);
    }
    const of = await this.#recordsOf(model);
    const steps = new Steps<RebuildProgress>();
    const done = projections
      .rebuild(model, { onProgress: ({ records }) => steps.put({ phase: 'building', records, of }) })
      .then(
        ({ records }) => steps.end({ phase: 'switched', records, of: records }),
        (error: unknown) => steps.fail(error),
      );
    yield* steps;
    await done;
  }

  async *exportLog(): AsyncIterable<Uint8Array> {
    for await (const line of exportLog(this.#deps.log)) yield Buffer.from(`${line}\n`);
  }

  async importLog(source: AsyncIterable<Uint8Array>): Promise<{ readonly records: number }> {
    if (!this.#deps.fills) {
      throw new CommandFailed(
        'A server runs on this log: stop it, and import into a new data folder and log.',
      );
    }
    return { records: await importLog(this.#deps.log, linesOf(source)) };
  }

  async #recordsOf(model: string): Promise<number> {
    const status = (await this.#deps.models.projections.status()).find(({ name }) => name === model);
    return (status?.partitions ?? []).reduce((sum, one) => sum + one.records + one.lagRecords, 0);
  }

  /** A command on an account that must be there. */
  async #runOn(userId: UserId, command: Command): Promise<void> {
    try {
      await this.#run(command);
    } catch (error) {
      throw isMilenaError(error, 'NOT_FOUND') ? new CommandFailed(`There is no user ${userId}.`) : error;
    }
  }

  async #run(command: Command): Promise<void> {
    const { written } = await this.#deps.bus.execute(command);
    // The command line's next question must see what this one did.
    if (written !== undefined) await this.#deps.models.reached(written);
  }

  #userId(user: string): UserId {
    const { serverName } = this.#deps;
    const full = user.startsWith('@') ? user : `@${user}:${serverName}`;
    const userId = parseUserId(full);
    const local = full.slice(1, full.indexOf(':'));
    if (userId === undefined || !isStrictLocalpart(local) || serverOf(userId) !== serverName) {
      throw new CommandFailed(`${user} is no user of ${serverName}: a-z, 0-9 and . _ = - / + only.`);
    }
    return userId;
  }
}

function stamp(): { readonly id: string; readonly at: number } {
  return { id: freshCommandId(), at: Date.now() };
}

function projectorStatus(model: ModelStatus): ProjectorStatus {
  const lags = model.partitions.map((partition) => partition.lagSeconds);
  return {
    model: model.name,
    state: stateOf(model),
    lagRecords: model.partitions.reduce((sum, partition) => sum + partition.lagRecords, 0),
    lagSeconds: Math.max(0, ...lags),
    poison: model.poison,
  };
}

function stateOf(model: ModelStatus): ProjectorStatus['state'] {
  if (model.paused) return 'paused';
  return model.building === null ? 'following' : 'building';
}

/** Hands what a callback tells to an async iteration. */
class Steps<T> implements AsyncIterable<T> {
  readonly #steps: T[] = [];
  #ended = false;
  #failure: unknown;
  #wake: () => void = () => undefined;

  put(step: T): void {
    this.#steps.push(step);
    this.#wake();
  }

  end(step: T): void {
    this.#ended = true;
    this.put(step);
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const step = this.#steps.shift();
      if (step !== undefined) yield step;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}
