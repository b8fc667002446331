import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Database } from './database.ts';

/** Postgres channels on which processes tell each other. */
export const signalChannels = {
  /** `model/topic/partition/next`, joined by commas: checkpoints that moved. */
  positions: 'milena_positions',
  /** A model was switched, paused, resumed, or is to try its poison again: `what/name`. */
  models: 'milena_models',
  /** A process that runs projectors came or went. */
  projectors: 'milena_projectors',
  /** A process that runs process managers came or went. */
  managers: 'milena_managers',
} as const;

/** A name of a channel. */
export type SignalName = keyof typeof signalChannels;

const RETRY_MS = 1_000;

/**
 * One connection that stays: LISTEN, and advisory locks for those who hold partitions. It is made anew when it
 * breaks; what was told meanwhile is lost, so whoever listens reads again in `connected`.
 */
export class Signals {
  readonly #database: Database;
  readonly #heard = new Map<string, (payload: string) => void>();
  readonly #connected: ((client: pg.Client) => Promise<void>)[] = [];
  readonly #lost: (() => void)[] = [];
  readonly #stop = new AbortController();
  #client: pg.Client | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Calls `heard` with what is told on a channel. Only before `start`. */
  on(name: SignalName, heard: (payload: string) => void): void {
    this.#heard.set(signalChannels[name], heard);
  }

  /** Calls `connected` whenever the connection was made: read what may have been missed. Only before `start`. */
  onConnected(connected: (client: pg.Client) => Promise<void>): void {
    this.#connected.push(connected);
  }

  /** Calls `lost` when the connection broke: its advisory locks are gone. */
  onLost(lost: () => void): void {
    this.#lost.push(lost);
  }

  /** The connection, undefined while there is none. */
  get client(): pg.Client | undefined {
    return this.#client;
  }

  /** Connects. @throws ConnectionLost when the first connection cannot be made. */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Tells all processes, this one too. */
  async tell(name: SignalName, payload: string): Promise<void> {
    await this.#database.read('SELECT pg_notify($1, $2)', [signalChannels[name], payload]);
  }

  /** Ends the connection. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = await this.#database.dedicated('milena-signals');
    client.on('notification', ({ channel, payload }) => this.#heard.get(channel)?.(payload ?? ''));
    client.on('error', () => this.#broken(client));
    client.on('end', () => this.#broken(client));
    try {
      await client.query([...this.#heard.keys()].map((channel) => `LISTEN ${channel}`).join(';'));
      this.#client = client;
      for (const connected of this.#connected) await connected(client);
    } catch (error) {
      this.#client = undefined;
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  #broken(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    for (const lost of this.#lost) lost();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#connect();
      } catch {
        await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }
}
