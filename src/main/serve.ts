import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { configWarnings } from '../config/warnings.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startMetrics } from '../telemetry/metrics.ts';
import { banner } from './banner.ts';
import { ClockWatch } from './clock-watch.ts';
import { announceServer } from './data-folder/running.ts';
import { listenInternally } from './internal-listener.ts';
import { type OpenHouse, openHouse } from './open-house.ts';
import { listenPublicly } from './public-listener.ts';
import { reportProjections } from './report-projections.ts';
import { untilStopped } from './stop-signal.ts';

/**
 * Runs the server until it is told to stop, or cannot go on.
 * @returns the exit code: 0 after SIGTERM or Ctrl-C, 1 when Postgres or the log is gone for good.
 * @throws MilenaError when it cannot start; the message is for the operator.
 */
export async function serve(config: Config): Promise<number> {
  // What is kept of a pool keeps all of it: at Node's own 64 KB a few hundred small values hold 40 MB.
  Buffer.poolSize = 8 * 1024;
  const logger = createLogger(config.logLevel);
  for (const warning of configWarnings(config)) logger.warn(warning);
  const stop = untilStopped();
  const metrics = startMetrics();
  const has = (role: Config['roles'][number]): boolean => config.roles.includes(role);
  const at = { node: '' };
  await using stack = new AsyncDisposableStack();
  stack.defer(() => metrics.close());
  stack.use(reportProjections(logger));
  const house = stack.use(
    await openHouse(config, {
      doing: 'serve',
      owns: has('owner'),
      projects: has('projector'),
      manages: has('manager'),
      node: () => at.node,
      logger,
    }),
  );
  for (const warning of house.core.warnings) logger.warn(warning);
  const internal = stack.use(await listenInternally(house, metrics));
  at.node = addressFor(config, internal.port);
  await house.start();
  const clock = stack.use(await watchClock(house));
  metrics.pull(
    'milena_clock_behind_seconds',
    'How far the clock is behind what it once said.',
    [],
    async () => [{ labels: {}, value: clock.behindMs / 1_000 }],
  );
  const open = has('api') ? stack.use(await listenPublicly(house)) : undefined;
  await house.core.lock?.setAddress(open?.address ?? at.node);
  const announcement = await announceServer(config.data, { address: at.node, roles: config.roles });
  stack.defer(() => announcement.withdraw());
  if (config.logLevel !== 'fatal') process.stdout.write(banner(house, open?.address, at.node));
  // Node writes what it has compiled when it ends; a server may be killed before it does.
  flushCompileCache();
  const outcome = await Promise.race([
    stop.signal.then((signal) => ({ signal })),
    house.core.failed.then((failure) => ({ failure })),
  ]);
  house.readiness.stopping();
  // What hangs must not keep the process for ever: the next start clears what a killed one leaves.
  stop.killAfter(config.shutdownTimeout);
  if ('failure' in outcome) {
    logger.fatal({ reason: outcome.failure }, 'the embedded Postgres has ended; Milena stops');
    return 1;
  }
  logger.info({ signal: outcome.signal }, 'stopping');
  return 0;
}

async function watchClock({ models, logger }: OpenHouse): Promise<ClockWatch> {
  return new ClockWatch({
    wall: Date.now,
    monotonic: () => performance.now(),
    newestRecord: await models.projections.newestAt(),
    warn: (facts, text) => logger.warn(facts, text),
  }).start();
}

/** Where other nodes reach this one's internal listener. */
function addressFor(config: Config, port: number): string {
  const { host } = config.internalBind;
  const everywhere = host === '0.0.0.0' || host === '::';
  const reachable = everywhere ? hostname() : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
