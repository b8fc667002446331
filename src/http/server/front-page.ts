import { Type } from 'typebox';
import type { App, ClientContext } from '../context.ts';
import '../fastify-types.ts';

/** Nothing may be loaded from anywhere, and nobody may put the page into a frame. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE = `
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 12vh auto 0; padding: 0 1.5rem }
h1 { font-weight: 600; letter-spacing: -.02em; margin-bottom: 0 }
.version { opacity: .6; margin-top: 0 }
code { font: .95em ui-monospace, monospace; padding: .1em .35em; border-radius: .3em; background: #8882 }
`;

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
  const accounts =
    settings.registration === 'open'
      ? 'Anyone may make an account: choose “Create account” in your client.'
      : 'Accounts are made by who runs this server.';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} · Milena</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${name}</h1>
<p class="version">Milena ${escapeHtml(version)}, a Matrix homeserver</p>
<p>The server works. To chat here, open a Matrix client (Element, Cinny, nheko, …), choose another
homeserver when it asks, and give it this address:</p>
<p><code>${url}</code></p>
<p>User IDs here look like <code>@name:${name}</code>. ${accounts}</p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
