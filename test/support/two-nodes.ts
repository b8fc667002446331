import { after, before } from 'node:test';
import { type Apart, startApart } from './apart.ts';
import { Http } from './http.ts';

/** Two API nodes over one owner, for the tests of one `describe`. Its fields may be read once the tests run. */
export interface TwoNodes {
  readonly apart: Apart;
  /** A node that does nothing but answer clients. */
  readonly one: Http;
  /** A second one, which runs process managers too. */
  readonly two: Http;
}

const ROLES = ['api', 'owner,projector,manager', 'api,manager'] as const;

/** Starts them before the tests of the calling `describe` and stops them after. @param env settings of all processes. */
export function twoNodes(env: Readonly<Record<string, string>> = {}): TwoNodes {
  let nodes: TwoNodes | undefined;
  before(async () => {
    const apart = await startApart({ roles: ROLES, env });
    const at = (roles: string): Http =>
      new Http(`http://127.0.0.1:${apart.processes.get(roles)?.plan.env['MILENA_PORT']}`);
    nodes = { apart, one: at('api'), two: at('api,manager') };
  });
  after(async () => {
    nodes?.one.close();
    nodes?.two.close();
    await nodes?.apart[Symbol.asyncDispose]();
  });
  const started = (): TwoNodes => {
    if (nodes === undefined) throw new Error('the nodes are there only while tests run');
    return nodes;
  };
  return {
    get apart() {
      return started().apart;
    },
    get one() {
      return started().one;
    },
    get two() {
      return started().two;
    },
  };
}
