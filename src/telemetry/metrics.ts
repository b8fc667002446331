import { channel } from 'node:diagnostics_channel';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { measures } from './measures.ts';

/** A value that is asked for when Prometheus comes by. */
export interface PulledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The server's metrics. The core knows nothing of them: it publishes on `milena:*` channels. */
export interface Metrics {
  readonly contentType: string;
  /** All metrics in Prometheus's text format. */
  text(): Promise<string>;
  /** Adds a gauge whose values are asked for at each `text`; should `read` fail, the gauge has no values. */
  pull(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Promise<readonly PulledValue[]>,
  ): void;
  /** Stops listening. */
  close(): void;
}

/** Listens on the channels that `measures` names, and on Node's own figures. */
export function startMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'milena_' });
  const close = measures.map((measure) => {
    const observe = observer(registry, measure);
    const listen = (message: unknown): void => {
      // A publisher must never fail because of its listener.
      if (typeof message === 'object' && message !== null) observe(message);
    };
    const source = channel(measure.channel);
    source.subscribe(listen);
    return () => source.unsubscribe(listen);
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    pull: (name, help, labels, read) => pull(registry, name, help, labels, read),
    close: () => {
      for (const each of close) each();
      registry.clear();
    },
  };
}

function observer(registry: Registry, measure: (typeof measures)[number]): (message: object) => void {
  const options = {
    name: measure.name,
    help: measure.help,
    labelNames: [...measure.labels],
    registers: [registry],
  };
  const labelsOf = (message: object): Record<string, string> =>
    Object.fromEntries(measure.labels.map((label) => [label, String(Reflect.get(message, label) ?? '')]));
  if (measure.kind === 'seconds') {
    const histogram = new Histogram({ ...options, buckets: [...secondsBuckets] });
    return (message) => {
      const ms = numberIn(message, measure.from);
      if (ms !== undefined) histogram.observe(labelsOf(message), ms / 1000);
    };
  }
  const counter = new Counter(options);
  return (message) => {
    const count = measure.from === undefined ? 1 : numberIn(message, measure.from);
    if (count !== undefined && count >= 0) counter.inc(labelsOf(message), count);
  };
}

const secondsBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

function numberIn(message: object, field: string): number | undefined {
  const value: unknown = Reflect.get(message, field);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function pull(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly string[],
  read: () => Promise<readonly PulledValue[]>,
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect: async () => {
      gauge.reset();
      const values = await read().catch(() => []);
      for (const { labels: given, value } of values) gauge.set({ ...given }, value);
    },
  });
}
