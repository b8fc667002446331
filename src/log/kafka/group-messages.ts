import type { Member } from './balance.ts';

/** What a member says of itself when it joins the owners' group. */
export type MemberMetadata = Omit<Member, 'id'>;

/** What the group's leader tells each member. */
export interface SlotPlan {
  /** The member's own slots. */
  readonly slots: readonly number[];
  /** Every member's address with its slots, so that each node knows where to forward to. */
  readonly owners: readonly { readonly node: string; readonly slots: readonly number[] }[];
}

/** Encodes either message. They are JSON: small, rare, and legible in any Kafka tool. */
export function encodeMessage(message: MemberMetadata | SlotPlan): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** Decodes a member's description; one that makes no sense holds nothing. */
export function decodeMetadata(bytes: Buffer): MemberMetadata {
  const value = parse(bytes);
  return {
    node: text(value['node']),
    held: numbers(value['held']),
    generation: Number(value['generation'] ?? -1),
  };
}

/** Decodes a plan; empty bytes (a member that has none yet) are an empty plan. */
export function decodePlan(bytes: Buffer): SlotPlan {
  const value = parse(bytes);
  const owners = Array.isArray(value['owners']) ? value['owners'] : [];
  return {
    slots: numbers(value['slots']),
    owners: owners.map((owner: Record<string, unknown>) => ({
      node: text(owner['node']),
      slots: numbers(owner['slots']),
    })),
  };
}

function parse(bytes: Buffer): Record<string, unknown> {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    // Every field is checked where it is read.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numbers(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((one) => Number.isSafeInteger(one)) : [];
}
