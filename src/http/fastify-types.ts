import type { JsonNumbers } from '../matrix/strict-json.ts';
import type { Session } from './reads/account-reads.ts';

/** What our apps add to fastify's requests and to its routes' configuration. */
declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined on routes that need no access token. */
    session: Session | undefined;
    /** The body as it came, empty when there was none. */
    bodyText: string;
  }
  interface FastifyContextConfig {
    /** Whether an access token is needed. Nothing said: no. */
    auth?: 'user' | 'optional' | 'none';
    /** True where a locked user may still ask. Nothing said: no. */
    whileLocked?: boolean;
    /** Which numbers the body may hold. Nothing said: any. */
    numbers?: JsonNumbers;
    /** An empty body stands for `{}`. */
    emptyBody?: boolean;
    /** The body is an HTML form's. Nothing said: JSON. */
    form?: boolean;
  }
}
