import type { House } from '../../cli/house.ts';
import type { Command, CommandResult } from '../../owner/commands.ts';
import { bareApp } from '../app.ts';
import type { App } from '../context.ts';
import type { HttpLogger } from '../deps.ts';
import { livenessRoutes } from '../server/liveness.ts';
import { metricsRoute } from '../server/metrics.ts';
import { commandRoute } from './command-route.ts';
import { houseRoutes } from './house-routes.ts';
import { requireSecret } from './secret.ts';

/** What the nodes' own listener needs. */
export interface InternalDeps {
  readonly secret: string;
  /** This node's owners; they throw NOT_OWNER for slots of others. On a node without owners: always. */
  readonly execute: (command: Command) => Promise<CommandResult>;
  /** What the command line asks of the server. */
  readonly house: House;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Empty when this node can serve; else why not. */
  readonly unready: () => Promise<readonly string[]>;
  readonly logger: HttpLogger;
}

/** A create-room command with its initial state, as JSON within JSON. */
const BODY_LIMIT = 16_777_216;

/**
 * The app of the internal listener: nodes and the command line talk to it, clients never. It shares no route
 * with the public app but liveness.
 */
export function buildInternalApp(deps: InternalDeps): App {
  const app = bareApp(deps.logger, {
    maxBodyBytes: BODY_LIMIT,
    trustedProxies: [],
    // An imported log takes as long as it takes.
    receiveTimeoutMs: 0,
  });
  requireSecret(app, deps.secret);
  livenessRoutes(app, deps);
  metricsRoute(app, deps);
  commandRoute(app, deps);
  houseRoutes(app, deps);
  return app;
}
