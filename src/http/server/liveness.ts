import { Type } from 'typebox';
import type { App } from '../context.ts';
import { type JsonText, jsonAnswer } from '../json-text.ts';
import { route } from '../route.ts';

const readySchema = Type.Object({ ready: Type.Boolean(), reasons: Type.Array(Type.String()) });

/** What the endpoints need. */
export interface LivenessDeps {
  /** Empty when this node can serve; else why not, one sentence each. */
  readonly unready: () => Promise<readonly string[]>;
}

/** `/_milena/live`: the process answers. `/_milena/ready`: it can serve, or 503 and why not. */
export function livenessRoutes(app: App, { unready }: LivenessDeps): void {
  route(app, {
    method: 'GET',
    path: '/_milena/live',
    prefixes: [''],
    auth: 'none',
    response: Type.Object({ live: Type.Boolean() }),
    handle: async () => ({ live: true }),
  });
  route(app, {
    method: 'GET',
    path: '/_milena/ready',
    prefixes: [''],
    auth: 'none',
    response: readySchema,
    handle: async (): Promise<JsonText | { ready: boolean; reasons: string[] }> => {
      const reasons = await unready();
      return reasons.length === 0 ? { ready: true, reasons: [] } : jsonAnswer(503, { ready: false, reasons });
    },
  });
}
