/** The fingerprint of an empty input, and the polynomial (Avro 1.12, "Schema Fingerprints"). */
const empty = 0xc15d213aa4d7a795n;

const table: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let fingerprint = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) {
    fingerprint = (fingerprint >> 1n) ^ (empty & -(fingerprint & 1n));
  }
  return fingerprint;
});

/**
 * CRC-64-AVRO of a schema's Parsing Canonical Form.
 * @returns 8 bytes, little-endian, as single-object encoding wants them.
 */
export function fingerprintOf(canonicalForm: string): Buffer {
  let fingerprint = empty;
  for (const byte of Buffer.from(canonicalForm, 'utf8')) {
    // The index is masked to a byte, so the table always has it.
    fingerprint = (fingerprint >> 8n) ^ (table[Number((fingerprint ^ BigInt(byte)) & 0xffn)] as bigint);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(fingerprint);
  return bytes;
}

/** How a fingerprint is written where people read it: 16 hex digits, most significant first. */
export function fingerprintName(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex');
}
