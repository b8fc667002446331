import type { AddressInfo } from 'node:net';
import { MilenaError } from '../errors/milena-error.ts';
import { buildInternalApp } from '../http/internal/app.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { closeListener, listen } from './listen.ts';
import type { OpenHouse } from './open-house.ts';

/** A listener for nodes of ours and the command line, and where it is. */
export interface InternalListener extends AsyncDisposable {
  readonly port: number;
}

/** Starts it. @throws MilenaError START_FAILED when the address is taken. */
export async function listenInternally(house: OpenHouse, metrics: Metrics): Promise<InternalListener> {
  const { core, owners, readiness, logger } = house;
  const app = buildInternalApp({
    secret: core.internalSecret,
    execute: (command) =>
      owners.service === undefined
        ? Promise.reject(new MilenaError('NOT_OWNER'))
        : owners.service.execute(command),
    house: house.house,
    metrics,
    unready: () => readiness.reasons(),
    logger,
  });
  await listen(app, core.config.internalBind);
  // A TCP server that listens has an address with a port.
  const { port } = app.server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => closeListener(app) };
}
