import { randomBytes } from 'node:crypto';
import { version } from '../config/version.ts';
import { buildPublicApp } from '../http/app.ts';
import { exchangeRates } from '../http/rate-exchange.ts';
import { asServerName } from '../matrix/identifiers.ts';
import { PostgresSessions } from '../sessions/postgres-sessions.ts';
import { closeListener, listen } from './listen.ts';
import type { OpenHouse } from './open-house.ts';
import { PresencePublisher } from './presence-publisher.ts';
import { followSessions } from './session-tail.ts';
import { TypingPublisher } from './typing-publisher.ts';

/** The listener for clients, and where it is. */
export interface PublicListener extends AsyncDisposable {
  readonly address: string;
}

/** Starts it; disposing answers the long polls, ends what is under way, and stops. */
export async function listenPublicly(house: OpenHouse): Promise<PublicListener> {
  const { core, owners, models, passwords, readiness, logger } = house;
  const { config, log, codec } = core;
  const report = (err: unknown): void => logger.warn({ err }, 'a background task failed; it is tried again');
  const typing = new TypingPublisher(log, codec, Date.now, report);
  // What runs must end too when the address turns out to be taken.
  await using stack = new AsyncDisposableStack();
  stack.defer(() => typing.close());
  const sessions = stack.use(
    await PostgresSessions.open({ connection: core.postgresUrl, now: Date.now, report }),
  );
  const sync = await models.startSync(report);
  const presence = config.presence
    ? new PresencePublisher({
        log,
        codec,
        master: core.master,
        node: randomBytes(8).toString('hex'),
        times: { idleMs: config.presenceIdle, offlineMs: config.presenceOffline },
        told: sync.told,
        heard: (partition, offset) => sync.heard(partition, offset),
        now: Date.now,
        report,
      })
    : undefined;
  stack.defer(() => presence?.close());
  const { app, auth, limits, lastSeen } = buildPublicApp({
    settings: config,
    serverName: asServerName(config.serverName),
    version,
    bus: owners.bus,
    reads: models.reads,
    gate: models.gate,
    sync,
    federationForm: models.federationForm,
    placeOfSyncToken: (token, roomId) => sync.placeOf(token, roomId),
    slots: log.slots,
    signer: core.keys.signer,
    passwords,
    sessions,
    presence,
    publishTyping: (notice) => typing.publish(notice),
    now: Date.now,
    random: randomBytes,
    logger,
    unready: () => readiness.reasons(),
    serving: () => models.usable(),
  });
  stack.defer(() => closeListener(app));
  // Before the app closes: it waits for the long polls.
  stack.defer(() => sync.stop());
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { signal } = stop;
  const { projections, loader } = models;
  if (config.rateLimits) void exchangeRates(limits, sessions.rates, signal, report);
  // Before that nobody has a session here.
  void models
    .whenUsable()
    .then(() =>
      followSessions({ projections, loader, slots: log.slots, auth, lastSeen, typing, signal, report }),
    );
  await listen(app, { host: config.bind, port: config.port });
  const kept = stack.move();
  return {
    address: `http://${config.bind.includes(':') ? `[${config.bind}]` : config.bind}:${config.port}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
