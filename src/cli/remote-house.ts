import { MilenaError } from '../errors/milena-error.ts';
import {
  CommandFailed,
  type House,
  type HouseStatus,
  type NewPassword,
  type NewToken,
  type NewUser,
  type RebuildProgress,
  type TokenRow,
  type UserRow,
} from './house.ts';

const base = '/_milena/internal/v1';

/**
 * A running server, through its internal listener: `POST /_milena/internal/v1/…` with JSON bodies, the internal
 * secret as bearer token. What takes long answers with a JSON object a line.
 */
export class RemoteHouse implements House {
  readonly #address: string;
  readonly #secret: string;

  /** @param address `http://host:port` of the internal listener. */
  constructor(address: string, secret: string) {
    this.#address = address.replace(/\/$/, '');
    this.#secret = secret;
  }

  async userAdd(request: NewUser): Promise<{ readonly userId: string }> {
    return this.#ask<{ userId: string }>('/users/add', request);
  }

  async userList(): Promise<readonly UserRow[]> {
    return (await this.#ask<{ users: readonly UserRow[] }>('/users/list', {})).users;
  }

  async userSetPassword(request: NewPassword): Promise<void> {
    await this.#ask('/users/set-password', request);
  }

  async userDeactivate(request: { readonly user: string }): Promise<void> {
    await this.#ask('/users/deactivate', request);
  }

  async tokenAdd(request: NewToken): Promise<{ readonly token: string }> {
    return this.#ask<{ token: string }>('/tokens/add', request);
  }

  async tokenList(): Promise<readonly TokenRow[]> {
    return (await this.#ask<{ tokens: readonly TokenRow[] }>('/tokens/list', {})).tokens;
  }

  async tokenRemove(request: { readonly token: string }): Promise<void> {
    await this.#ask('/tokens/remove', request);
  }

  async status(): Promise<HouseStatus> {
    return this.#ask<HouseStatus>('/status', {});
  }

  async *rebuild(model: string): AsyncIterable<RebuildProgress> {
    const response = await this.#post('/rebuild', JSON.stringify({ model }), 'application/json');
    for await (const line of lines(bodyOf(response))) {
      // The cast: both ends are of one version; the listener is behind a secret.
      const progress = JSON.parse(line) as RebuildProgress | { readonly error: string };
      if ('error' in progress) throw new CommandFailed(progress.error);
      yield progress;
    }
  }

  async *exportLog(): AsyncIterable<Uint8Array> {
    yield* bodyOf(await this.#post('/log/export', '{}', 'application/json'));
  }

  async importLog(source: AsyncIterable<Uint8Array>): Promise<{ readonly records: number }> {
    const response = await this.#post('/log/import', source, 'application/x-ndjson');
    return (await response.json()) as { records: number };
  }

  async #ask<T>(path: string, body: object): Promise<T> {
    const response = await this.#post(path, JSON.stringify(body), 'application/json');
    // The cast: both ends are of one version; the listener is behind a secret.
    return (await response.json()) as T;
  }

  async #post(path: string, body: string | AsyncIterable<Uint8Array>, type: string): Promise<Response> {
    const response = await fetch(`${this.#address}${base}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#secret}`, 'content-type': type },
      body,
      ...(typeof body === 'string' ? {} : { duplex: 'half' as const }),
    }).catch((cause: unknown) => {
      throw new MilenaError('UNAVAILABLE', `The server at ${this.#address} does not answer.`, { cause });
    });
    if (!response.ok) throw new CommandFailed(await refusal(response));
    return response;
  }
}

async function refusal(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const error: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
  return typeof error === 'string' ? error : `the server answered ${response.status}`;
}

function bodyOf(response: Response): AsyncIterable<Uint8Array> {
  if (response.body === null) throw new CommandFailed('the server answered nothing');
  return response.body;
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}
