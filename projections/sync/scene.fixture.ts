import type { UserId } from '../../src/matrix/identifiers.ts';
import { FakeHouse } from './fake-house.fixture.ts';
import { FakeReads } from './fake-reads.fixture.ts';
import { createSyncService, type SyncService } from './service.ts';
import type { SyncAnswer } from './sync-answer.ts';
import { readyFilter, type SyncFilter } from './sync-filter.ts';
import type { SyncRequest } from './sync-request.ts';
import { SYNC_TOPICS } from './token.ts';

/** What a test may ask of a sync. */
export interface SceneRequest
  extends Partial<Pick<SyncRequest, 'timeoutMs' | 'fullState' | 'stateAfter' | 'step'>> {
  readonly since?: string;
  readonly filter?: SyncFilter;
  readonly device?: string;
}

/** A fake house with a sync service that follows it. */
export class SyncScene implements AsyncDisposable {
  readonly house: FakeHouse;
  readonly reads: FakeReads;
  service: SyncService;
  /** Milliseconds since the epoch, for typing. */
  now = 1_000_000;
  private readonly kept: number;

  constructor(options: { readonly slots?: number; readonly kept?: number } = {}) {
    this.house = new FakeHouse(options.slots ?? 3);
    this.reads = new FakeReads(this.house);
    this.kept = options.kept ?? 1_000;
    this.service = this.start();
  }

  /** A sync that has everything in it that was appended before. */
  sync(userId: UserId, request: SceneRequest = {}): Promise<SyncAnswer> {
    const { filter = {}, device = 'DEVICE', ...asked } = request;
    return this.service.collect({
      user_id: userId,
      device_id: device,
      timeoutMs: 0,
      fullState: false,
      stateAfter: false,
      filter: readyFilter(filter),
      signal: new AbortController().signal,
      written: this.written(),
      ...asked,
    });
  }

  /** Everything that was appended, as a node has it that has acknowledged all of it. */
  written(): NonNullable<SyncRequest['written']> {
    const ends = this.house.ends();
    return new Map(SYNC_TOPICS.map((topic) => [topic, ends[topic].map((end) => end - 1)]));
  }

  /** Another process takes over: nothing is in memory, the tail begins where the models stand. */
  async restart(): Promise<void> {
    await this.service.stop();
    this.service = this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
  }

  private start(): SyncService {
    const { models } = this.reads;
    const at = (offset: number) => ({ offset, epoch: 0 });
    const none = models.rooms.map(() => at(0));
    return createSyncService({
      generation: 'fake',
      reads: this.reads,
      ends: async (topic) => this.house.ends()[topic],
      feed: (topic, partition) => this.house.feed(topic, partition),
      start: { rooms: models.rooms.map(at), user_values: models.user_values.map(at), ephemeral: none },
      kept: this.kept,
      openStatus: () => '',
      devices: 100,
      now: () => this.now,
      report: (error) => {
        throw error;
      },
    });
  }
}
