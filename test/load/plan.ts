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
    }
  | {
      readonly kind: 'ask';
      readonly url: string;
      /** Asked in turn, from the beginning again when they are through. */
      readonly asks: readonly Ask[];
      /** Each asks one thing at a time. */
      readonly connections: number;
      /** The first so many are not counted … */
      readonly warmUp: number;
      /** … then so many are, unless the time is up before. */
      readonly times: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'page';
      readonly url: string;
      readonly token: string;
      readonly roomId: string;
      /** Events a page. */
      readonly limit: number;
      /** Pages until so many events have come. */
      readonly events: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'sleepers';
      readonly url: string;
      readonly from: Sender;
      /** The tokens of the devices whose syncs wait. */
      readonly sleepers: readonly string[];
      readonly times: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'change';
      readonly url: string;
      /** Takes turns. */
      readonly from: readonly Sender[];
      /** The token of the device that syncs after each send. */
      readonly to: string;
      readonly times: number;
      readonly seconds: number;
    };

/** Stands in a path or body of an `Ask` for ten characters that no other request has. */
export const UNIQUE = '{unique}';

/** A request of a load. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly token: string;
  /** JSON. */
  readonly body?: string;
}

/** What the generator saw in the counted part of a plan. */
export interface Outcome {
  readonly count: number;
  /** Of a plan to send: all that the server has taken, those before the counted part too. */
  readonly sent?: number;
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
