import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { checkAgainstSpec } from './spec/check-answer.ts';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body, or undefined when it is not JSON. */
  readonly json: unknown;
}

/** How one request differs from a bare one. */
export interface Ask {
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, in place of `json`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the request is given up; 60 seconds where nothing is said. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** A keep-alive HTTP client of one server. */
export class Http {
  readonly base: string;
  readonly #agent: Agent;

  constructor(base: string, connections = 64) {
    this.base = base;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Sends one request; fails with the socket's error when no whole answer came. Redirects are not followed. */
  ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const body = ask.raw ?? (ask.json === undefined ? undefined : JSON.stringify(ask.json));
    const headers: Record<string, string> = { ...ask.headers };
    if (ask.token !== undefined) headers['authorization'] = `Bearer ${ask.token}`;
    if (body !== undefined) {
      headers['content-length'] = String(Buffer.byteLength(body));
      headers['content-type'] ??= 'application/json';
    } else if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') headers['content-length'] = '0';
    const url = new URL(this.base);
    return new Promise((resolve, reject) => {
      const sent = request({
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers,
        agent: this.#agent,
        ...(ask.signal === undefined ? {} : { signal: ask.signal }),
      });
      sent.setTimeout(ask.timeout ?? 60_000, () =>
        sent.destroy(new Error(`${method} ${path}: no answer in time`)),
      );
      sent.once('error', reject);
      sent.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('aborted', () => reject(new Error(`${method} ${path}: the answer was cut off`)));
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const answer = {
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: parsed(text),
          };
          try {
            checkAgainstSpec(method, path, answer);
            resolve(answer);
          } catch (error) {
            reject(error);
          }
        });
      });
      sent.end(body);
    });
  }

  /** Closes the idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
