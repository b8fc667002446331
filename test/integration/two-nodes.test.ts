import { after, before, describe, it } from 'node:test';
import { type Apart, startApart } from '../support/apart.ts';
import { freshName, isObject, path, text } from '../support/client.ts';
import { check, same } from '../support/expect.ts';
import { Http } from '../support/http.ts';

/** Two processes that clients talk to, over one log and one Postgres. */
let nodes: Apart;
let left: Http;
let right: Http;

before(async () => {
  nodes = await startApart({
    roles: ['api', 'api,owner,projector,manager'],
    env: { MILENA_REGISTRATION: 'token' },
  });
  const ports = [...nodes.processes.values()].map(({ plan }) => plan.env['MILENA_PORT']);
  [left, right] = ports.map((port) => new Http(`http://127.0.0.1:${port}`)) as [Http, Http];
});
after(async () => {
  left?.close();
  right?.close();
  await nodes?.[Symbol.asyncDispose]();
});

const register = (node: Http, json: object) => node.ask('POST', path('register'), { json });

async function session(node: Http, parameters: object): Promise<string> {
  const { json } = await register(node, parameters);
  check(isObject(json), 'a challenge');
  return text(json, 'session');
}

describe('two nodes that clients talk to', () => {
  it('share the sessions of the UIA: what is begun at one goes on at the other', async () => {
    const token = (await nodes.milena('owner', ['token', 'add'])).stdout.trim();
    const parameters = { username: freshName('nodes'), password: 'a long enough password' };
    const begun = await session(left, parameters);
    const auth = { type: 'm.login.registration_token', token, session: begun };
    const first = await register(right, { ...parameters, auth });
    same(first.status, 200, 'the other node knows the session');
    const again = await register(left, { ...parameters, auth });
    same([again.status, again.json], [200, first.json], 'who asks again gets the same answer from either');
  });

  it('never use a registration token more often than it may be', async () => {
    const token = (await nodes.milena('owner', ['token', 'add', '--uses', '3'])).stdout.trim();
    const tries = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const node = index % 2 === 0 ? left : right;
        const parameters = { username: freshName('once'), password: 'a long enough password' };
        const auth = { type: 'm.login.registration_token', token, session: await session(node, parameters) };
        return () => register(node, { ...parameters, auth });
      }),
    );
    const answers = await Promise.all(tries.map((go) => go()));
    same(answers.filter(({ status }) => status === 200).length, 3, 'accounts made with three uses');
    const refused = answers
      .filter(({ status }) => status !== 200)
      .map(({ json }) => isObject(json) && json['errcode']);
    same(new Set(refused), new Set(['M_FORBIDDEN']), 'the others are refused');
  });
});
