import { channel } from 'node:diagnostics_channel';
import type { SlotAssignment, SlotOwner } from '../port.ts';
import { GroupMember } from './group-member.ts';
import { decodePlan, type SlotPlan } from './group-messages.ts';
import { type Lane, patience, persist } from './lane.ts';
import type { Meta } from './meta.ts';

type Callbacks = Parameters<SlotAssignment['join']>[1];

/** Errors of `gained` and `lost`, which nobody waits for: `{ slot, error }`. */
const errors = channel('milena.log.assignment-error');

/** What the assignment needs. */
export interface AssignmentParts {
  readonly groupId: string;
  readonly slots: number;
  readonly sessionMs: number;
  readonly meta: Meta;
  readonly read: Lane;
  /** Makes the two lanes of a member. */
  readonly lanes: () => { readonly joins: Lane; readonly beats: Lane };
}

/**
 * Settles who owns which slots by membership of a Kafka group. Nodes that only ask (`owners`) do not join: the plan
 * that the group's leader made is on the broker for everyone to read.
 */
export class KafkaAssignment implements SlotAssignment {
  readonly #parts: AssignmentParts;
  readonly #held = new Set<number>();
  /** `gained` and `lost` of a slot run one after the other. */
  readonly #queues = new Map<number, Promise<void>>();
  #owners: SlotPlan['owners'] | undefined;
  #node = '';
  #on: Callbacks | undefined;
  #member: GroupMember | undefined;

  constructor(parts: AssignmentParts) {
    this.#parts = parts;
  }

  async join(node: string, on: Callbacks): Promise<void> {
    if (this.#member !== undefined) throw new Error('this node is an owner already');
    this.#node = node;
    this.#on = on;
    const { groupId, slots, sessionMs } = this.#parts;
    const member = new GroupMember(
      { groupId, node, slots, sessionMs, ...this.#parts.lanes() },
      {
        held: () => this.#held,
        plan: (plan) => this.#take(plan),
        expelled: () => this.#drop([...this.#held]),
      },
    );
    this.#member = member;
    member.start();
  }

  leaseUntil(slot: number): number {
    return this.#held.has(slot) ? (this.#member?.leaseEnd ?? 0) : 0;
  }

  async owners(fresh = false): Promise<readonly SlotOwner[]> {
    if (fresh || this.#owners === undefined) await this.#ask();
    if (fresh) await this.#parts.meta.refresh();
    const nodes = new Map<number, string>();
    for (const { node, slots } of this.#owners ?? []) for (const slot of slots) nodes.set(slot, node);
    return Array.from({ length: this.#parts.slots }, (_, slot) => {
      const node = nodes.get(slot);
      const claim = this.#parts.meta.claim(slot);
      return {
        slot,
        ...(node === undefined ? {} : { node }),
        ...(node !== undefined && claim?.node === node ? { epoch: claim.epoch } : {}),
      };
    });
  }

  async claimed(slot: number, epoch: number): Promise<void> {
    await this.#parts.meta.noteClaim(slot, { node: this.#node, epoch });
  }

  async leave(): Promise<void> {
    const member = this.#member;
    if (member === undefined) return;
    this.#member = undefined;
    await this.#drop([...this.#held]);
    await member.leave();
    // One that was under way while we left may have come after the first.
    await this.#drop([...this.#held]);
  }

  async #take(plan: SlotPlan): Promise<boolean> {
    this.#owners = plan.owners;
    const mine = new Set(plan.slots);
    const gone = [...this.#held].filter((slot) => !mine.has(slot));
    for (const slot of plan.slots) {
      if (this.#held.has(slot) || this.#member === undefined) continue;
      this.#held.add(slot);
      void this.#queue(slot, 'gained');
    }
    await this.#drop(gone);
    return gone.length > 0;
  }

  async #drop(slots: readonly number[]): Promise<void> {
    for (const slot of slots) this.#held.delete(slot);
    await Promise.all(slots.map((slot) => this.#queue(slot, 'lost')));
  }

  #queue(slot: number, what: keyof Callbacks): Promise<void> {
    const before = this.#queues.get(slot) ?? Promise.resolve();
    const next = before.then(async () => {
      try {
        await this.#on?.[what](slot);
      } catch (error) {
        errors.publish({ slot, error });
      }
    });
    this.#queues.set(slot, next);
    return next;
  }

  /** Asks the group's coordinator for the plan. While the group is being reordered the last one known stands. */
  async #ask(): Promise<void> {
    const { read, groupId } = this.#parts;
    const { groups } = await persist(read, patience(10_000), () =>
      read.coordinator(0, groupId, (broker) => broker.describeGroups({ groupIds: [groupId] })),
    );
    const [group] = groups;
    if (group === undefined || group.state === 'PreparingRebalance' || group.state === 'CompletingRebalance')
      return;
    const [member] = group.members;
    this.#owners = member === undefined ? [] : decodePlan(member.memberAssignment).owners;
  }
}
