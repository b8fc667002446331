import { type Client, freshName, path, register } from '../../support/client.ts';
import type { Http } from '../../support/http.ts';
import type { CommandOutcome } from '../../support/server.ts';

/** What a way of causing records has in its hands: a server as people and operators have it. */
export interface Hands {
  readonly http: Http;
  readonly serverName: string;
  /** Runs `milena <args>` with some text on its standard input. */
  milena(args: readonly string[], input?: string): Promise<CommandOutcome>;
}

/** So many new users. */
export async function people<N extends 1 | 2 | 3>(http: Http, count: N): Promise<People[N]> {
  const made: Client[] = [];
  while (made.length < count) made.push(await register(http, freshName('busy')));
  // As many as were asked for, which the type of an array does not say.
  return made as unknown as People[N];
}

interface People {
  readonly 1: readonly [Client];
  readonly 2: readonly [Client, Client];
  readonly 3: readonly [Client, Client, Client];
}

/** A PUT that must succeed. */
export async function put(user: Client, where: readonly string[], json: unknown): Promise<void> {
  await user.get200('PUT', path(...where), { json });
}

/** What a command that must succeed has printed. */
export async function succeeds(command: Promise<CommandOutcome>): Promise<string> {
  const { code, stdout, stderr } = await command;
  if (code !== 0) throw new Error(`exit ${code}: ${stderr.slice(-400)}`);
  return stdout.trim();
}
