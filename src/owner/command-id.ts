import { hash, randomBytes } from 'node:crypto';

/**
 * Command IDs: 16 bytes, 32 hex digits. The first half is the scope, the second names the command within it.
 * A repeatable command (one with a client's transaction ID) has the top bit of its scope set and is the same
 * whenever the client repeats it; all others are random and are repeated only by our own nodes, within seconds.
 */

/** The ID of a command that a client may repeat: the same device, method, path and transaction ID. */
export function transactionCommandId(
  userId: string,
  deviceId: string,
  method: string,
  path: string,
  txnId: string,
): string {
  // One flat text: slices of hashes put together keep the hashes alive, 300 bytes for each ID remembered.
  const bytes = Buffer.allocUnsafe(16);
  bytes.set(hash('sha256', `${userId}\u0000${deviceId}`, 'buffer').subarray(0, 8), 0);
  bytes.set(hash('sha256', `${method}\u0000${path}\u0000${txnId}`, 'buffer').subarray(0, 8), 8);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes.toString('hex');
}

/** A fresh ID for a command that no client can repeat. */
export function freshCommandId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

/** Whether a client may repeat the command at any later time. */
export function isRepeatable(commandId: string): boolean {
  return Number.parseInt(commandId.slice(0, 1), 16) >= 8;
}

/** The scope of an ID: its first 16 hex digits, one per device. */
export function scopeOf(commandId: string): string {
  return commandId.slice(0, 16);
}
