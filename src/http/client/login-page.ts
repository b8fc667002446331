import { hash } from 'node:crypto';
import { Type } from 'typebox';
import type { App } from '../context.ts';
import { htmlPage } from '../html.ts';

/**
 * What the page does: it logs in as any client does, so that neither password nor token is ever in a page or an
 * address. `matrixLogin` is there for whoever puts `onLogin` into it once the page is loaded.
 */
const SCRIPT = `
window.matrixLogin = window.matrixLogin || {};
const form = document.getElementById("login");
const say = (text) => { document.getElementById("said").textContent = text; };
const asked = new URLSearchParams(window.location.search);
form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = document.getElementById("send");
    button.disabled = true;
    say("");
    const body = {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: document.getElementById("user").value },
        password: document.getElementById("password").value,
    };
    for (const name of ["device_id", "initial_device_display_name"]) {
        if (asked.get(name)) body[name] = asked.get(name);
    }
    if (asked.get("refresh_token") === "true") body.refresh_token = true;
    try {
        const answer = await fetch("/_matrix/client/v3/login", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(body),
        });
        const response = await answer.json();
        if (answer.ok) {
            form.hidden = true;
            say("You are logged in. You can close this window and go on in your client.");
            const onLogin = window.matrixLogin.onLogin || window.onLogin;
            if (onLogin) onLogin(response);
            return;
        }
        say(response.error || "The server refused.");
    } catch {
        say("The server cannot be reached.");
    }
    button.disabled = false;
});
`;

const PAGE = htmlPage(
  'Log in',
  `<h1>Log in</h1>
<p id="said" class="complaint" role="status"></p>
<form id="login" method="post">
<label>User name <input id="user" autocomplete="username" autocapitalize="none" required></label>
<label>Password <input id="password" type="password" autocomplete="current-password" required></label>
<button id="send">Log in</button>
</form>
<noscript><p>This page needs JavaScript.</p></noscript>
<script>${SCRIPT}</script>`,
);

/** The page is always the same: its one script is named by its hash. */
const POLICY = [
  "default-src 'none'",
  `script-src 'sha256-${hash('sha256', SCRIPT, 'base64')}'`,
  "connect-src 'self'",
  "style-src 'unsafe-inline'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/**
 * `GET /_matrix/static/client/login/`: a page that logs in for clients that know none of the flows, and gives them the
 * answer through `window.matrixLogin.onLogin` (spec: client-server API, "Login Fallback").
 */
export function loginPageRoutes(app: App): void {
  app.get(
    '/_matrix/static/client/login/',
    { config: { auth: 'none' }, schema: { response: { 200: Type.String() } } },
    async (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', POLICY)
        .header('referrer-policy', 'no-referrer')
        .send(PAGE),
  );
}
