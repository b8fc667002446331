import type { FastifyRequest } from 'fastify';
import type { ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';

/** Runs requests that wait for something to happen. One for each endpoint that has them. */
export class LongPolls {
  readonly #context: Pick<ClientContext, 'auth' | 'draining'>;
  // Told one by one: with 1,000 syncs that wait, an `AbortSignal.any` for each took a seventh of the CPU, since the
  // collector looks after its weak references.
  readonly #waiting = new Set<AbortController>();

  constructor(context: Pick<ClientContext, 'auth' | 'draining'>) {
    this.#context = context;
    const drain = (): void => {
      for (const each of this.#waiting) each.abort();
    };
    context.draining.addEventListener('abort', drain, { once: true });
  }

  /**
   * What `answer` gives. Its signal aborts when nobody waits any more: the client has gone, the server closes, the
   * session ends.
   * @throws MilenaError UNKNOWN_TOKEN, USER_LOCKED when the session ended meanwhile.
   */
  async run<T>(
    request: FastifyRequest,
    session: Session,
    answer: (gone: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { auth, draining } = this.#context;
    const gone = new AbortController();
    const abort = (): void => gone.abort();
    this.#waiting.add(gone);
    if (draining.aborted) abort();
    // Not the request's own `close`: that comes as soon as its empty body was read.
    const { socket } = request.raw;
    socket.once('close', abort);
    let doubtful = false;
    const unwatch = auth.watch(session, () => {
      doubtful = true;
      abort();
    });
    try {
      const answered = await answer(gone.signal);
      // Logged out, locked: what came meanwhile is for somebody else.
      if (doubtful) auth.requireUnlocked(await auth.session(request));
      return answered;
    } finally {
      unwatch();
      this.#waiting.delete(gone);
      // The connection serves many requests.
      socket.off('close', abort);
    }
  }
}
