/** A member of the owners' group, as it described itself when it joined. */
export interface Member {
  readonly id: string;
  /** Its address on the internal listener. */
  readonly node: string;
  /** The slots that it holds now. */
  readonly held: readonly number[];
  /** The group's generation when it got them: of two that claim the same, the later is right. */
  readonly generation: number;
}

/**
 * Deals slots to members so that each has as many as any other, give or take one, and as few as possible move.
 * A slot that has to move is given to nobody in this round: its holder lets go of it and joins again, and the
 * next round gives it away. So nobody gets a slot that another still holds, and slots that stay are served on.
 * @returns the slots of each member, by its ID.
 */
export function balance(slots: number, members: readonly Member[]): ReadonlyMap<string, readonly number[]> {
  const held = heldSlots(slots, members);
  const order = [...members].sort((a, b) => sizeOf(held, b) - sizeOf(held, a) || (a.id < b.id ? -1 : 1));
  const least = Math.floor(slots / order.length);
  const withOneMore = slots % order.length;
  const dealt = new Map<string, number[]>();
  const taken = new Set<number>([...held.values()].flat());
  const free = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  for (const [index, member] of order.entries()) {
    const quota = least + (index < withOneMore ? 1 : 0);
    const kept = (held.get(member.id) ?? []).slice(0, quota);
    dealt.set(
      member.id,
      [...kept, ...free.splice(0, quota - kept.length)].sort((a, b) => a - b),
    );
  }
  return dealt;
}

function sizeOf(held: ReadonlyMap<string, readonly number[]>, member: Member): number {
  return held.get(member.id)?.length ?? 0;
}

/** Who really holds what: each slot counts for one member only. */
function heldSlots(slots: number, members: readonly Member[]): ReadonlyMap<string, readonly number[]> {
  const holder = new Map<number, Member>();
  for (const member of members) {
    for (const slot of member.held) {
      const other = holder.get(slot);
      const later =
        other === undefined ||
        member.generation > other.generation ||
        (member.generation === other.generation && member.id < other.id);
      if (slot >= 0 && slot < slots && later) holder.set(slot, member);
    }
  }
  const held = new Map<string, number[]>();
  for (const [slot, member] of [...holder].sort(([a], [b]) => a - b)) {
    held.set(member.id, [...(held.get(member.id) ?? []), slot]);
  }
  return held;
}
