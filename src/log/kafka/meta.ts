import { randomBytes } from 'node:crypto';
import { halfImported, type LogMeta, refuseMisfit } from '../log-meta.ts';
import { toRaw } from './envelope.ts';
import { fetchOne } from './fetch-one.ts';
import type { KafkaParts } from './parts.ts';
import { endOf } from './positions.ts';
import { produceAny } from './publisher.ts';
import { encodeBatch } from './record-batch.ts';
import { metaTopic } from './topic-settings.ts';

const generationKey = 'generation/';
const serverKey = 'server/';
const masterKey = 'master/';
const epochKey = 'epoch/';
const importKey = 'importing';

/** Who claimed a slot last, as its owner noted it. */
export interface NotedClaim {
  readonly node: string;
  readonly epoch: number;
}

/** What the log says about itself, on a compacted topic of one partition. */
export class Meta {
  readonly #parts: KafkaParts;
  readonly #topic: string;
  /** Kafka's offset up to which it has been read. */
  #next = 0;
  #generation: string | undefined;
  #serverName: string | undefined;
  #master: string | undefined;
  #importing = false;
  readonly #claims = new Map<number, NotedClaim>();

  constructor(parts: KafkaParts) {
    this.#parts = parts;
    this.#topic = parts.prefix + metaTopic;
  }

  /**
   * Reads the log's generation and server name, which the first node to open the log gives it. If two do so at once,
   * both write one, and the one that stands first counts (each has a key of its own, so compaction keeps both).
   * @throws MilenaError DATA_MISMATCH when the log is another server's, or not wholly imported.
   */
  async settle(serverName: string | undefined): Promise<LogMeta> {
    await this.refresh();
    if (this.#importing) throw halfImported();
    const own = randomBytes(6).toString('base64url');
    if (this.#generation === undefined) await this.#write(`${generationKey}${own}`, {});
    if (this.#serverName === undefined && serverName !== undefined)
      await this.#write(`${serverKey}${own}`, { name: serverName });
    await this.refresh();
    if (this.#generation === undefined) throw new Error('the generation was written and is not there');
    const meta = {
      generation: this.#generation,
      serverName: this.#serverName,
      importing: this.#importing,
    };
    refuseMisfit(meta, serverName);
    return meta;
  }

  /** Notes that an import fills the log. @throws MilenaError DATA_MISMATCH when that is noted already. */
  async noteImport(): Promise<void> {
    await this.refresh();
    if (this.#importing) throw halfImported();
    await this.#write(importKey, { importing: true });
  }

  /** Takes that note away. */
  async noteImported(): Promise<void> {
    await this.#write(importKey, { importing: false });
  }

  /** The master key that is noted; this one, where none was and it is given. Of two at once the first counts. */
  async noteMaster(id: string | undefined): Promise<string | undefined> {
    await this.refresh();
    if (this.#master === undefined && id !== undefined) {
      await this.#write(`${masterKey}${randomBytes(6).toString('base64url')}`, { name: id });
      await this.refresh();
    }
    return this.#master;
  }

  /** Notes who claimed a slot, for `owners`. */
  async noteClaim(slot: number, claim: NotedClaim): Promise<void> {
    await this.#write(`${epochKey}${slot}`, claim);
  }

  /** The last noted claim of a slot, as of the last `refresh`. */
  claim(slot: number): NotedClaim | undefined {
    return this.#claims.get(slot);
  }

  /** Reads what is new. */
  async refresh(): Promise<void> {
    const end = await endOf(this.#parts.read, this.#topic, 0);
    while (this.#next < end) {
      const where = { topic: this.#topic, partition: 0, offset: this.#next, maxBytes: 1 << 20, gaps: true };
      const window = await fetchOne(this.#parts.read, where);
      for (const { key, value } of window.records) this.#take(key.toString(), value?.toString());
      this.#next = window.next;
    }
  }

  #take(key: string, value: string | undefined): void {
    if (key.startsWith(generationKey)) this.#generation ??= key.slice(generationKey.length);
    if (value === undefined) return;
    if (key === importKey) this.#importing = isImporting(JSON.parse(value));
    if (key.startsWith(serverKey)) this.#serverName ??= nameIn(JSON.parse(value));
    if (key.startsWith(masterKey)) this.#master ??= nameIn(JSON.parse(value));
    if (!key.startsWith(epochKey)) return;
    const claim: unknown = JSON.parse(value);
    if (isNotedClaim(claim)) this.#claims.set(Number(key.slice(epochKey.length)), claim);
  }

  async #write(key: string, value: unknown): Promise<void> {
    const record = { key, type: 'meta', at: Date.now(), value: Buffer.from(JSON.stringify(value)) };
    const batch = encodeBatch([toRaw(record, 0, record.at)], { id: -1n, epoch: -1, sequence: -1 });
    await produceAny(this.#parts, this.#topic, 0, batch);
  }
}

function isImporting(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'importing' in value && value.importing === true;
}

function nameIn(value: unknown): string | undefined {
  const named = typeof value === 'object' && value !== null && 'name' in value;
  return named && typeof value.name === 'string' ? value.name : undefined;
}

function isNotedClaim(value: unknown): value is NotedClaim {
  return (
    typeof value === 'object' &&
    value !== null &&
    'node' in value &&
    typeof value.node === 'string' &&
    'epoch' in value &&
    typeof value.epoch === 'number'
  );
}
