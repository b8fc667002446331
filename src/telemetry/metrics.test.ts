import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { measures } from './measures.ts';
import { startMetrics } from './metrics.ts';

test('what the core publishes on its channels becomes metrics', async () => {
  const metrics = startMetrics();
  channel('milena:http:request').publish({ method: 'GET', route: '/x/:id', status: 200, durationMs: 12 });
  channel('milena:owner:append').publish({ topic: 'rooms', decisions: 5, records: 7, ms: 0.4 });
  channel('milena:owner:append').publish('nonsense');
  const text = await metrics.text();
  assert.match(text, /milena_http_request_seconds_sum\{method="GET",route="\/x\/:id",status="200"\} 0\.012/);
  assert.match(text, /milena_owner_decisions_total\{topic="rooms"\} 5/);
  assert.match(text, /milena_owner_records_total\{topic="rooms"\} 7/);
  assert.match(text, /milena_owner_append_seconds_count\{topic="rooms"\} 1/);
  metrics.close();
});

test('pulled values are read anew each time, and a reader that fails leaves the rest', async () => {
  const metrics = startMetrics();
  let lag = 1;
  metrics.pull('milena_projector_lag_records', 'Lag.', ['model'], async () => [
    { labels: { model: 'sync' }, value: lag },
  ]);
  metrics.pull('milena_broken', 'Broken.', [], () => Promise.reject(new Error('gone')));
  assert.match(await metrics.text(), /milena_projector_lag_records\{model="sync"\} 1/);
  lag = 2;
  assert.match(await metrics.text(), /milena_projector_lag_records\{model="sync"\} 2/);
  metrics.close();
});

test('after close nothing listens, and a second server in the process may start its own', () => {
  const first = startMetrics();
  first.close();
  for (const measure of measures)
    assert.equal(channel(measure.channel).hasSubscribers, false, measure.channel);
  startMetrics().close();
});
