/** Writes Kafka's binary primitives (big-endian; varints are zigzag) into a buffer that grows. */
export class WireWriter {
  private bytes: Buffer;
  private at = 0;

  constructor(size = 256) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  private room(size: number): number {
    const at = this.at;
    this.at += size;
    if (this.at > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.at, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    return at;
  }

  int8(value: number): this {
    const at = this.room(1);
    this.bytes.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.room(2);
    this.bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.room(4);
    this.bytes.writeInt32BE(value, at);
    return this;
  }

  /** A 64-bit integer from a safe number. */
  int64(value: number): this {
    return this.bigint64(BigInt(value));
  }

  bigint64(value: bigint): this {
    const at = this.room(8);
    this.bytes.writeBigInt64BE(value, at);
    return this;
  }

  /** A string with a 16-bit length; null is length -1. */
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value, 'utf8');
    return this.int16(bytes.length).raw(bytes);
  }

  /** A zigzag varint of at most 32 bits. */
  varint(value: number): this {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    const at = this.room(5);
    let end = at;
    while (rest > 0x7f) {
      this.bytes[end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[end++] = rest;
    this.at = end;
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  /** How much has been written. */
  get length(): number {
    return this.at;
  }

  /** What has been written. It is a view: no more may be written afterwards. */
  done(): Buffer {
    return this.bytes.subarray(0, this.at);
  }
}

/** Reads what `WireWriter` writes. Reading past the end throws a RangeError. */
export class WireReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  int8(): number {
    this.at += 1;
    return this.bytes.readInt8(this.at - 1);
  }

  int16(): number {
    this.at += 2;
    return this.bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.bytes.readInt32BE(this.at - 4);
  }

  /** A 64-bit integer as a number. Offsets and times stay far below 2^53. */
  int64(): number {
    this.at += 8;
    return this.bytes.readInt32BE(this.at - 8) * 0x1_0000_0000 + this.bytes.readUInt32BE(this.at - 4);
  }

  string(): string | null {
    const length = this.int16();
    if (length < 0) return null;
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** A zigzag varint. Values beyond 32 bits (time deltas) lose their upper bits: nobody here needs those. */
  varint(): number {
    let value = 0;
    let shift = 0;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('the bytes end inside a varint');
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
      shift += 7;
    }
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError('the bytes end inside a field');
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** An array with a 32-bit count (null, -1, reads as empty). */
  array<T>(read: () => T): T[] {
    const count = this.int32();
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }
}
