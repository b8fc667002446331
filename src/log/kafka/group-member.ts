import { setTimeout as sleep } from 'node:timers/promises';
import { balance } from './balance.ts';
import { decodeMetadata, decodePlan, encodeMessage, type SlotPlan } from './group-messages.ts';
import { codeOf, codes } from './kafka-error.ts';
import type { JoinedGroup } from './kafkajs-private.ts';
import type { Lane } from './lane.ts';

/** How a member takes part. */
export interface GroupSettings {
  readonly groupId: string;
  readonly node: string;
  readonly slots: number;
  /**
   * Milliseconds without a heartbeat after which the others take over. The broker's least is 6,000
   * (`group.min.session.timeout.ms`).
   */
  readonly sessionMs: number;
  /** Joins block, and a broker answers a connection's requests in turn: heartbeats have their own. */
  readonly joins: Coordination;
  readonly beats: Coordination;
}

/** What of a lane a member uses. */
export type Coordination = Pick<Lane, 'coordinator' | 'close'>;

/** What the member does with what it learns. */
export interface GroupEvents {
  /** The slots held now. */
  held(): ReadonlySet<number>;
  /** Takes a new plan. Resolves when slots that are not in it any more are let go of; true if there were any. */
  plan(plan: SlotPlan): Promise<boolean>;
  /** The group has gone on without us: all slots may be others' by now. */
  expelled(): Promise<void>;
}

const protocolType = 'milena-owners';
const protocolName = 'milena-1';
/** Milliseconds after which a broker that reorders the group goes on without those who have not joined again. */
const rebalanceMs = 10_000;
/** A twentieth less than what the broker allows, for clocks that run unevenly. */
const allowance = 0.95;

/**
 * A member of Kafka's (classic) group protocol with a plan of its own: who owns which slots. It stays a member by
 * heartbeats, which never stop: not while it joins anew either, since slots that stay are served on meanwhile.
 */
export class GroupMember {
  readonly #settings: GroupSettings;
  readonly #events: GroupEvents;
  readonly #stop = new AbortController();
  #memberId = '';
  #generation = -1;
  #joining = true;
  /** Set by a heartbeat: the group is being reordered, or we are not in it. */
  #wanted: 'nothing' | 'rejoin' | 'expelled' = 'nothing';
  /** Whether the broker has our part in the generation that we are in: a sync was answered. */
  #synced = false;
  /** When the last request was sent that the broker has answered as a member's. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** When the last request was sent whose answer shows that no reordering was under way which still lacks us. */
  #settledAt = Number.NEGATIVE_INFINITY;
  #runs: Promise<unknown> = Promise.resolve();

  constructor(settings: GroupSettings, events: GroupEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /**
   * Monotonic milliseconds until which no other member can have our slots; both are counted from when requests
   * that were answered had been *sent*. The session ends without heartbeats; and however well the heart beats, a
   * reordering (which cannot have begun before we last knew that there was none) goes on without us when we have
   * not joined again in time: our joins may be on their way for ever.
   */
  get leaseEnd(): number {
    const { sessionMs } = this.#settings;
    const end = Math.min(this.#heardAt + sessionMs * allowance, this.#settledAt + rebalanceMs * allowance);
    return Math.max(0, end);
  }

  /** Joins, and takes part until `leave`. */
  start(): void {
    this.#runs = Promise.all([this.#takePart(), this.#beat()]);
  }

  /** Leaves: the others are told at once. The slots must have been let go of before. */
  async leave(): Promise<void> {
    this.#stop.abort();
    const { beats, groupId } = this.#settings;
    const memberId = this.#memberId;
    if (memberId !== '') {
      await beats
        .coordinator(0, groupId, (broker) => broker.leaveGroup({ groupId, memberId }))
        .catch(() => undefined);
    }
    this.#endLease();
    this.#settings.joins.close();
    this.#settings.beats.close();
    await this.#runs;
  }

  async #takePart(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.#joining = true;
        const again = await this.#joinOnce();
        this.#joining = again;
        if (!again) await this.#untilWanted();
      } catch (error) {
        if (signal.aborted) return;
        if (this.#isExpelled(error)) await this.#forget();
        // Anything else passes: a coordinator that moves, a broker that starts, a lost connection.
        else await sleep(100, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @returns whether to join again at once, because slots were let go of that others wait for. */
  async #joinOnce(): Promise<boolean> {
    const { joins, groupId, node, sessionMs } = this.#settings;
    const metadata = encodeMessage({ node, held: [...this.#events.held()], generation: this.#generation });
    const joinedAt = performance.now();
    const joined = await joins.coordinator(0, groupId, (broker) =>
      broker.joinGroup({
        groupId,
        sessionTimeout: sessionMs,
        rebalanceTimeout: rebalanceMs,
        memberId: this.#memberId,
        protocolType,
        groupProtocols: [{ name: protocolName, metadata }],
      }),
    );
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    // From here on it is the sync that the broker waits for, as long again. Heartbeats say nothing of that.
    this.#synced = false;
    this.#settled(joinedAt);
    this.#wanted = 'nothing';
    const groupAssignment = joined.leaderId === joined.memberId ? this.#dealt(joined) : [];
    const { memberId, generationId } = joined;
    const sentAt = performance.now();
    const synced = await joins.coordinator(0, groupId, (broker) =>
      broker.syncGroup({ groupId, generationId, memberId, groupAssignment }),
    );
    this.#synced = true;
    this.#heard(sentAt);
    this.#settled(sentAt);
    return await this.#events.plan(decodePlan(synced.memberAssignment));
  }

  #dealt(joined: JoinedGroup) {
    const members = joined.members.map(({ memberId, memberMetadata }) => ({
      id: memberId,
      ...decodeMetadata(memberMetadata),
    }));
    const dealt = balance(this.#settings.slots, members);
    const owners = members.map(({ id, node }) => ({ node, slots: dealt.get(id) ?? [] }));
    return members.map(({ id }) => ({
      memberId: id,
      memberAssignment: encodeMessage({ slots: dealt.get(id) ?? [], owners }),
    }));
  }

  /** Resolves when a heartbeat says that the group is being reordered. @throws when it says we are out. */
  async #untilWanted(): Promise<void> {
    const { signal } = this.#stop;
    while (this.#wanted === 'nothing' && !signal.aborted) {
      await sleep(20, undefined, { signal }).catch(() => undefined);
    }
    if (this.#wanted === 'expelled') await this.#forget();
  }

  async #beat(): Promise<void> {
    const { signal } = this.#stop;
    const pauseMs = this.#settings.sessionMs / 12;
    while (!signal.aborted) {
      if (this.#memberId !== '' && this.#generation >= 0) await this.#beatOnce();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #beatOnce(): Promise<void> {
    const { beats, groupId } = this.#settings;
    const generation = this.#generation;
    const memberId = this.#memberId;
    const sentAt = performance.now();
    const current = () => generation === this.#generation && memberId === this.#memberId;
    try {
      await beats.coordinator(0, groupId, (broker) =>
        broker.heartbeat({ groupId, groupGenerationId: generation, memberId }),
      );
      if (!current()) return;
      this.#heard(sentAt);
      if (this.#synced) this.#settled(sentAt);
    } catch (error) {
      if (!current()) return;
      const code = codeOf(error);
      // Being reordered, we are still a member, and have the rebalance's time to join again.
      if (code === codes.rebalanceInProgress) this.#heard(sentAt);
      if (this.#joining) return;
      if (code === codes.rebalanceInProgress) this.#wanted = 'rejoin';
      else if (this.#isExpelled(error)) this.#wanted = 'expelled';
    }
  }

  #heard(sentAt: number): void {
    this.#heardAt = Math.max(this.#heardAt, sentAt);
  }

  #settled(sentAt: number): void {
    this.#settledAt = Math.max(this.#settledAt, sentAt);
  }

  #endLease(): void {
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#settledAt = Number.NEGATIVE_INFINITY;
  }

  #isExpelled(error: unknown): boolean {
    const code = codeOf(error);
    return code === codes.unknownMember || code === codes.illegalGeneration;
  }

  async #forget(): Promise<void> {
    this.#memberId = '';
    this.#generation = -1;
    this.#synced = false;
    this.#endLease();
    this.#wanted = 'nothing';
    await this.#events.expelled();
  }
}
