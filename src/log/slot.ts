import { hash } from 'node:crypto';

/**
 * The slot of a key: which partition holds a room, a user, an alias. Fixed for the life of a log, so it is
 * the first four bytes of the key's SHA-256, big-endian, modulo the number of slots.
 */
export function slotOf(key: string, slots: number): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 8), 16) % slots;
}
