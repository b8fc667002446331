import { hash } from 'node:crypto';
import { isMilenaError, type MilenaError } from '../errors/milena-error.ts';
import type {
  CommandBus,
  CommandResult,
  CreateRoom,
  ReserveAlias,
  SettleAlias,
  Written,
} from './commands.ts';
import type { LoadedRoom } from './kinds/room-kind.ts';
import type { SlotOwner } from './slot-owner.ts';
import { subjectOf } from './subject.ts';

/** Called between the steps, with the name of the one just done; fault tests end the process there. */
export type StepDone = (step: string) => void;

/** What the saga works with: the owner of the room's slot, and the way to other slots. */
export interface SagaDeps {
  readonly owner: SlotOwner;
  readonly bus: CommandBus;
  readonly stepDone: StepDone;
}

/** Whether a new room needs more than its own slot. */
export function needsSaga(command: CreateRoom): boolean {
  return command.alias !== undefined || command.visibility === 'public';
}

/**
 * Creates a room that has an alias or a place in the directory: two aggregates, so a saga whose steps are on
 * the log. Begun (`saga_started`), alias held, room made with its invitations in one append, alias set, room
 * listed, ended (`saga_ended`). Every step may be repeated without harm: whoever owns the slot after a crash
 * runs it again from the start, and it finishes or undoes.
 */
export async function runCreateRoom(command: CreateRoom, deps: SagaDeps): Promise<CommandResult> {
  const saga = command.id;
  await begin(command, deps);
  deps.stepDone('started');
  try {
    await reserve(command, saga, deps);
    deps.stepDone('reserved');
    await deps.owner.execute(subjectOf(command), { ...command, id: stepId(saga, 'create') });
    deps.stepDone('created');
  } catch (error) {
    // Anything but a refusal may mend itself: the saga stays open and is run again.
    if (!isMilenaError(error) || error.status >= 500) throw error;
    await settle(command, saga, 'release', deps);
    deps.stepDone('released');
    await end(command, saga, deps, error);
    throw error;
  }
  const settled = await settle(command, saga, 'set', deps);
  deps.stepDone('settled');
  const listed = await list(command, saga, deps);
  deps.stepDone('listed');
  const alsoWritten = [settled, listed].filter((written) => written !== undefined);
  return { ...(await end(command, saga, deps)), alsoWritten };
}

/** The ID of a saga's step: the same each time the saga is run. */
export function stepId(saga: string, step: string): string {
  const bytes = Buffer.from(hash('sha256', `${saga} ${step}`, 'buffer').subarray(0, 16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

async function begin(command: CreateRoom, { owner }: SagaDeps): Promise<void> {
  const saga = command.id;
  await owner.run(subjectOf(command), command, stepId(saga, 'start'), (_kind, state) => {
    const { room } = state as LoadedRoom; // A room's subject has a room's state.
    if (room.saga === saga || room.version !== undefined) return { facts: [], result: {} };
    const value = {
      saga,
      kind: 'create_room' as const,
      alias: command.alias ?? null,
      sealed: JSON.stringify(command),
    };
    return { facts: [{ type: 'saga_started', key: command.room_id, value }], result: {} };
  });
}

async function reserve(command: CreateRoom, saga: string, { bus }: SagaDeps): Promise<void> {
  const { alias, room_id, at } = command;
  if (alias === undefined) return;
  const step: ReserveAlias = { kind: 'reserve_alias', id: stepId(saga, 'reserve'), at, alias, room_id, saga };
  await bus.execute(step);
}

async function settle(
  command: CreateRoom,
  saga: string,
  outcome: SettleAlias['outcome'],
  { bus }: SagaDeps,
): Promise<Written | undefined> {
  const { alias, room_id, at, creator } = command;
  if (alias === undefined) return undefined;
  const id = stepId(saga, outcome);
  const result = await bus.execute({
    kind: 'settle_alias',
    id,
    at,
    alias,
    room_id,
    saga,
    outcome,
    creator,
  });
  return result.written;
}

async function list(command: CreateRoom, saga: string, { bus }: SagaDeps): Promise<Written | undefined> {
  if (command.visibility !== 'public') return undefined;
  const { room_id, at, creator } = command;
  const result = await bus.execute({
    kind: 'list_room',
    id: stepId(saga, 'list'),
    at,
    room_id,
    visibility: 'public',
    actor: creator,
  });
  return result.written;
}

function end(
  command: CreateRoom,
  saga: string,
  { owner }: SagaDeps,
  error?: MilenaError,
): Promise<CommandResult> {
  return owner.run(subjectOf(command), command, stepId(saga, 'end'), (_kind, state) => {
    const { room } = state as LoadedRoom; // A room's subject has a room's state.
    if (room.saga !== saga) return { facts: [], result: {} };
    const value = {
      saga,
      outcome: error === undefined ? ('done' as const) : ('undone' as const),
      error: error?.code ?? null,
      reason: error?.message ?? null,
    };
    return { facts: [{ type: 'saga_ended', key: command.room_id, value }], result: {} };
  });
}
