import type { FastifyRequest } from 'fastify';
import type { JsonValue } from '../matrix/json.ts';
import { parseJson, StrictJsonError } from '../matrix/strict-json.ts';
import type { App } from './context.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Every body is read as JSON, whatever content type the client names (many name none or a form), but on the
 * routes of our own pages, which have forms. The text is kept, so that event contents go on as they came.
 */
export function installBodyParser(app: App): void {
  app.decorateRequest('bodyText', '');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      // `parseAs: 'buffer'` gives buffers; fastify's type has both.
      done(null, parseBody(request, bytes as Buffer));
    } catch (error) {
      done(error as Error); // Only StrictJsonError is thrown there.
    }
  });
}

function parseBody(request: FastifyRequest, bytes: Buffer): JsonValue | undefined {
  if (bytes.length === 0) return request.routeOptions.config.form === true ? {} : undefined;
  const text = decode(bytes);
  if (request.routeOptions.config.form === true) return Object.fromEntries(new URLSearchParams(text));
  const value = parseJson(text, request.routeOptions.config.numbers ?? 'any');
  request.bodyText = text;
  return value;
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new StrictJsonError('not_json', 0, { cause });
  }
}
