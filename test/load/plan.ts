import type { Latency } from './quantiles.ts';

/** A sender of the load: a device and the room it sends into. */
export interface Sender {
  readonly token: string;
  readonly roomId: string;
}

/** What the generator is asked to do. */
export type Plan =
  | {
      readonly kind: 'send';
      readonly url: string;
      readonly senders: readonly Sender[];
      /** Characters of each message's body. */
      readonly characters: number;
      /** The load goes on for this long, the first tenth of which is not counted … */
      readonly seconds: number;
      /** … or until so many are sent, if that is sooner. */
      readonly atMost: number;
    }
  | {
      readonly kind: 'deliver';
      readonly url: string;
      readonly from: Sender;
      /** The token of the device whose sync should wake. */
      readonly to: string;
      readonly times: number;
      readonly seconds: number;
    };

/** What the generator saw in the counted part of a plan. */
export interface Outcome {
  readonly count: number;
  readonly failures: number;
  readonly seconds: number;
  readonly latency: Latency;
  /** The first failures, for the report. */
  readonly problems: readonly string[];
  /** Seconds of CPU that the generator itself took. */
  readonly generatorCpu: number;
}

/** Messages from the generator's process: it says when the counted part begins, and what came of it. */
export type FromGenerator =
  | { readonly kind: 'counting' }
  | { readonly kind: 'done'; readonly outcome: Outcome };
