import { isServerName } from './server-name.ts';

/** Spec: client-server API, "Content Repository", Security considerations. */
const MEDIA_ID = /^[A-Za-z0-9_-]+$/;

/** Whether a text is the URI of a media file (spec: client-server API, "Matrix Content (`mxc://`) URIs"). */
export function isMxcUri(text: string): boolean {
  const [, server = '', mediaId = ''] = /^mxc:\/\/([^/]*)\/(.*)$/s.exec(text) ?? [];
  return isServerName(server) && MEDIA_ID.test(mediaId);
}
