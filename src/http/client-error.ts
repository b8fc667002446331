import type { Socket } from 'node:net';

/**
 * Answers what is no HTTP: bad request lines, headers that are too large, requests that never end. There is no
 * request yet for the error handler, so the few bytes are written here, in the spec's form.
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // The other side is gone: nobody to answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] = statusOf(error.code);
  const body = JSON.stringify({ errcode: 'M_UNKNOWN', error: text });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

function statusOf(code: string | undefined): readonly [string, string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'The headers are too large.'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'The request did not come to its end in time.'];
    default:
      return ['400 Bad Request', 'The request is not HTTP.'];
  }
}
