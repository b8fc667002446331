import type { App } from '../context.ts';
import '../fastify-types.ts';

/** What the endpoint needs. */
export interface MetricsDeps {
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

/** `/_milena/metrics` for Prometheus, on the internal listener only; it holds no secrets and asks for none. */
export function metricsRoute(app: App, { metrics }: MetricsDeps): void {
  app.get('/_milena/metrics', { config: { auth: 'none' } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
