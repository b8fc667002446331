import { Type } from 'typebox';
import type { App, ClientContext } from '../context.ts';
import '../fastify-types.ts';
import { escapeHtml, htmlPage } from '../html.ts';

/** Nothing may be loaded from anywhere, and nobody may put the page into a frame. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const ACCOUNTS = {
  open: 'Anyone may make an account: choose “Create account” in your client.',
  token: 'Who has a registration token may make an account: choose “Create account” in your client.',
  closed: 'Accounts are made by who runs this server.',
} as const;

/** `GET /`: who answers here and how to connect. */
export function frontPage(
  app: App,
  context: Pick<ClientContext, 'settings' | 'serverName' | 'version'>,
): void {
  const html = page(context);
  app.get(
    '/',
    { config: { auth: 'none' }, schema: { response: { 200: Type.String() } } },
    async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(html),
  );
}

function page({
  settings,
  serverName,
  version,
}: Pick<ClientContext, 'settings' | 'serverName' | 'version'>): string {
  const name = escapeHtml(serverName);
  const url = escapeHtml(settings.publicUrl);
  const accounts = ACCOUNTS[settings.registration];
  return htmlPage(
    `${serverName} · Milena`,
    `<h1>${name}</h1>
<p class="version">Milena ${escapeHtml(version)}, a Matrix homeserver</p>
<p>The server works. To chat here, open a Matrix client (Element, Cinny, nheko, …), choose another
homeserver when it asks, and give it this address:</p>
<p><code>${url}</code></p>
<p>User IDs here look like <code>@name:${name}</code>. ${accounts}</p>`,
  );
}
