import { setTimeout as delay } from 'node:timers/promises';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { GivenTokens, type TokenDeps } from './given-tokens.ts';
import { LazyMembers } from './lazy-members.ts';
import { LiveTail, type LiveTailDeps } from './live-tail.ts';
import { ASK_MODELS, MemorySync } from './memory-sync.ts';
import { ModelSync } from './model-sync.ts';
import { covers, mostOf } from './position.ts';
import { PresenceSync, type ToldPresence } from './presence-sync.ts';
import type { PresenceTail } from './presence-tail.ts';
import { type RoomMoment, RoomStream, type RoomStretch, type StretchAsk } from './room-stream.ts';
import { type Collected, isEmpty, type SyncAnswer } from './sync-answer.ts';
import type { AccountDatum } from './sync-event.ts';
import type { SyncReads } from './sync-reads.ts';
import type { PreparedRequest, SyncRequest } from './sync-request.ts';
import { TailLookups } from './tail-lookups.ts';
import { decodeToken, encodeToken, type SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';
import { UserViews } from './user-views.ts';

/** How long is waited for the tail to have a record, milliseconds. */
const TAIL_MS = 2_000;
/** How long a request that only the models can answer rests before it asks them again, milliseconds. */
const MODEL_REST_MS = 250;

/** What syncing is made of. */
export interface SyncServiceDeps extends Omit<LiveTailDeps, 'kept'>, TokenDeps {
  readonly reads: SyncReads;
  /** Facts of each topic kept in memory (default 16,000, about 20 MB). */
  readonly kept?: number;
  /** Devices of which is remembered what members they were sent (default 20,000). */
  readonly devices?: number;
}

/** Answers syncs. One for each process that serves clients. */
export interface SyncService {
  /**
   * What has happened since the request's token; waits for something to happen as long as the request allows.
   * @throws MilenaError INVALID_PARAM for a token that is none of this server's.
   */
  collect(request: SyncRequest): Promise<SyncAnswer>;
  /** @throws MilenaError INVALID_PARAM for a token that is none of this server's. */
  check(token: string | undefined): void;
  /**
   * Where in a room's order a `next_batch` stands: what came before it has lower places. Undefined when the text is
   * no token of this log.
   */
  placeOf(token: string, roomId: RoomId): Promise<number | undefined>;
  /** A token of now, with all that this node has acknowledged before it. */
  now(written: SyncRequest['written']): Promise<string>;
  /**
   * A room as it stands now, whoever asks, with the account data that a user has attached to it. The models are as far
   * when it resolves.
   * @throws MilenaError UNAVAILABLE when they are not in time.
   */
  room(
    roomId: RoomId,
    userId: UserId,
    written: SyncRequest['written'],
  ): Promise<RoomMoment & { readonly account_data: readonly AccountDatum[] }>;
  /**
   * What has happened in a room since a token, whoever asks; waits for something to happen as long as the request
   * allows. Without a token, and with one that says nothing of the room's partition, from now on.
   * @throws MilenaError INVALID_PARAM for a token that is none of this server's; UNAVAILABLE
   */
  roomSince(ask: RoomStreamRequest): Promise<RoomStretch>;
  /** The presence of users, as the tail has it. */
  readonly told: Pick<PresenceTail, 'of' | 'with' | 'lapsed'>;
  /** Resolves when the tail has a record of `ephemeral` (true), or has not in time. */
  heard(partition: number, offset: number): Promise<boolean>;
  /** Answers everybody who waits, and ends following the log. */
  stop(): Promise<void>;
}

/** A stream of one room that is asked for. */
export type RoomStreamRequest = Omit<StretchAsk, 'since'> & Pick<SyncRequest, 'since' | 'written'>;

/** Begins to follow the log, and answers syncs. */
export function createSyncService(deps: SyncServiceDeps): SyncService {
  return new Syncing(deps);
}

/** One try at an answer. */
interface Round {
  readonly collected: Collected;
  readonly presence: readonly ToldPresence[];
  readonly view: UserView;
  /** From here on the tail alone can say when something happens. */
  readonly live: boolean;
  /** False when it ends before what there is, because the request goes on by steps. */
  readonly whole: boolean;
}

/** Who has joined, or at least written a member event as somebody who is in the room. */
function comers({ join }: Collected): readonly string[] {
  return join.flatMap(({ timeline, state }) =>
    [...timeline.events, ...state].flatMap(({ type, state_key, content }) =>
      type === 'm.room.member' && state_key !== null && content.includes('"join"') ? [state_key] : [],
    ),
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** The request of somebody who ignores others (spec: client-server API, "Ignoring Users"). */
function ignoring(request: PreparedRequest, ignored: ReadonlySet<string>): PreparedRequest {
  if (ignored.size === 0) return request;
  const { filter } = request;
  return { ...request, ignored, filter: { ...filter, timeline: filter.timeline.ignoring(ignored) } };
}

class Syncing implements SyncService {
  private readonly deps: SyncServiceDeps;
  private readonly tail: LiveTail;
  private readonly views: UserViews;
  private readonly memory: MemorySync;
  private readonly models: ModelSync;
  private readonly presence: PresenceSync;
  private readonly rooms: RoomStream;
  private readonly tokens: GivenTokens;
  private readonly lazy: LazyMembers;
  private readonly stopping = new AbortController();
  private readonly following: Promise<void>;

  constructor(deps: SyncServiceDeps) {
    const { reads, now } = deps;
    this.deps = deps;
    this.lazy = new LazyMembers(deps.devices);
    this.tail = new LiveTail({ ...deps, kept: deps.kept ?? 16_000 });
    this.views = new UserViews(this.tail, reads);
    this.memory = new MemorySync(this.tail, new TailLookups(this.tail, reads), now);
    this.models = new ModelSync(this.tail, reads, now);
    this.presence = new PresenceSync(this.tail, this.views, reads, now);
    this.tokens = new GivenTokens(this.tail, deps);
    this.rooms = new RoomStream(this.tail, reads, deps.generation);
    this.following = this.tail.run(this.stopping.signal);
  }

  async collect(request: SyncRequest): Promise<SyncAnswer> {
    const deadline = performance.now() + request.timeoutMs;
    const given = await this.tokens.position(request.since, request.written);
    // What goes on by steps never begins with all there is.
    const since = given ?? (request.step === undefined ? undefined : this.tail.position());
    const prepared = this.prepare(request, since);
    let from = since;
    for (;;) {
      const { collected, presence, view, live, whole } = await this.round(prepared, request.since, from);
      const left = deadline - performance.now();
      const waits = from !== undefined && whole && !request.fullState && !request.signal.aborted && left > 0;
      const isNews = presence.length > 0 || !isEmpty(collected);
      if (!waits || isNews || this.stopping.signal.aborted) {
        const { position, ...answer } = collected;
        const known = view.relevant(position, prepared.ownPartition);
        // A view of models that fell back may not know what the token was about: it stands there all the same.
        const relevant = live || since === undefined ? known : mostOf(known, since);
        return { next_batch: encodeToken(this.deps.generation, relevant), ...answer, presence };
      }
      from = live
        ? await this.sleep(view, collected.position, left, request.signal)
        : await this.rest(collected.position, left, request.signal);
    }
  }

  check(token: string | undefined): void {
    this.tokens.check(token);
  }

  async placeOf(token: string, roomId: RoomId): Promise<number | undefined> {
    const { window } = this.tail;
    const position = decodeToken(token, this.deps.generation, window.slots);
    if (position === undefined) return undefined;
    const slot = window.slot(roomId);
    const offset = position.rooms[slot] ?? 0;
    const inWindow = window.holdsFrom('rooms', slot, offset);
    const known = inWindow ? this.tail.room(roomId)?.placeBefore(offset) : undefined;
    if (known !== undefined) return known + 1;
    const [place = 0] = await this.deps.reads.places([{ room_id: roomId, offset }]);
    return place + 1;
  }

  async now(written: SyncRequest['written']): Promise<string> {
    await this.tokens.catchUp(written);
    return encodeToken(this.deps.generation, this.tail.position());
  }

  async room(roomId: RoomId, userId: UserId, written: SyncRequest['written']) {
    await this.tokens.catchUp(written);
    const [moment, account_data] = await Promise.all([
      this.rooms.now(roomId),
      this.rooms.accountData(userId, roomId),
    ]);
    return { ...moment, account_data };
  }

  async roomSince({ since, written, ...ask }: RoomStreamRequest): Promise<RoomStretch> {
    return this.rooms.since({ ...ask, since: await this.tokens.position(since, written) });
  }

  get told() {
    return this.tail.presence;
  }

  heard(partition: number, offset: number): Promise<boolean> {
    return this.tail.window.reached('ephemeral', partition, offset + 1, TAIL_MS);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.rooms.stop();
    this.views.stop();
    await this.following;
  }

  private prepare(request: SyncRequest, since: SyncPosition | undefined): PreparedRequest {
    const { user_id, device_id, filter } = request;
    const token = since === undefined ? undefined : request.since;
    return {
      ...request,
      ignored: NOBODY,
      ownPartition: this.tail.window.slot(user_id),
      members: filter.lazyMembers ? this.lazy.of(user_id, device_id, token) : undefined,
    };
  }

  /** One try at an answer. `live`: from here on the tail alone can say when something happens. */
  private async round(
    prepared: PreparedRequest,
    token: string | undefined,
    from: SyncPosition | undefined,
  ): Promise<Round> {
    const got = this.views.get(prepared.user_id);
    const found = got instanceof Promise ? await got : got;
    const { view } = found;
    const below = from && this.stepEnd(prepared, view, from);
    const request = ignoring(below === undefined ? prepared : { ...prepared, below }, view.ignored);
    if (found.live && from !== undefined && !request.fullState && below === undefined) {
      const collected = await this.memory.answer(request, view, from);
      if (collected !== ASK_MODELS) return this.withPresence({ request, view, from, collected, live: true });
      // What lazy loading meant to send with an answer that is not sent.
      request.members?.begin(token);
    }
    const collected = await this.models.answer(request, found, from);
    return this.withPresence({ request, view, from, collected, live: found.live });
  }

  /** Where an answer ends that may go on by one step only; undefined when that is as far as there is anything. */
  private stepEnd(
    { step }: PreparedRequest,
    view: UserView,
    from: SyncPosition,
  ): readonly number[] | undefined {
    if (step === undefined) return undefined;
    const end = this.tail.position().rooms;
    const below = end.map((offset, partition) => {
      if (!view.concerns(partition)) return offset;
      const begin = from.rooms[partition] ?? 0;
      return Math.min(offset, (begin > 0 ? begin : (view.firstChange(partition) ?? 0)) + step);
    });
    return covers({ ...from, rooms: below }, { ...from, rooms: end }) ? undefined : below;
  }

  private async withPresence({
    request,
    from,
    ...round
  }: Omit<Round, 'presence' | 'whole'> & {
    readonly request: PreparedRequest;
    readonly from: SyncPosition | undefined;
  }): Promise<Round> {
    const { collected, view } = round;
    const met = from === undefined ? [] : comers(collected);
    // In a room of which the client knew nothing it has met everybody.
    const since = met.includes(view.userId) ? undefined : from;
    const { position } = collected;
    const presence = await this.presence.of({ request, view, since, position, met });
    return { ...round, presence, whole: request.below === undefined };
  }

  /** Waits for something to happen behind a position. @returns the position to look from. */
  private sleep(
    view: UserView,
    position: SyncPosition,
    ms: number,
    signal: AbortSignal,
  ): SyncPosition | Promise<SyncPosition> {
    // Something was read since the answer was made: look again before sleeping.
    if (!covers(position, this.tail.position())) return position;
    return new Promise((resolve) => {
      const done = (before: SyncPosition): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        view.sleepers.delete(done);
        resolve(mostOf(this.views.unwoken(before), position));
      };
      const end = (): void => done(this.tail.position());
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      view.sleepers.add(done);
    });
  }

  /** The models are too far behind for the tail: ask them again after a while. */
  private async rest(position: SyncPosition, ms: number, signal: AbortSignal): Promise<SyncPosition> {
    const either = AbortSignal.any([signal, this.stopping.signal]);
    await delay(Math.min(ms, MODEL_REST_MS), undefined, { signal: either }).catch(() => undefined);
    return position;
  }
}
