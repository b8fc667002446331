import type { HttpSettings } from '../deps.ts';
import { escapeHtml, htmlPage } from '../html.ts';
import type { Stage } from './stage.ts';

/** Where the captcha's own script comes from, and what it shows. */
const CAPTCHA = 'https://www.google.com/recaptcha/';
const CAPTCHA_PARTS = 'https://www.gstatic.com/recaptcha/';

/** The Content-Security-Policy of these pages: our one script, the captcha's, and nothing in a frame of others. */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' ${CAPTCHA} ${CAPTCHA_PARTS}`,
    `frame-src ${CAPTCHA}`,
    `connect-src ${CAPTCHA}`,
    "style-src 'unsafe-inline'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** What a stage's page is made of. */
export interface StagePage {
  readonly settings: HttpSettings;
  readonly stage: Stage;
  /** Whether the password's user must be named: nobody is known yet. */
  readonly namesUser: boolean;
  readonly nonce: string;
  /** Why the last try did not do. */
  readonly complaint?: string;
}

/** The page with the stage's form. */
export function stagePage(page: StagePage): string {
  const { complaint } = page;
  const said = complaint === undefined ? '' : `<p class="complaint">${escapeHtml(complaint)}</p>`;
  return htmlPage(
    'Authentication',
    `<h1>Authentication</h1>\n${said}\n<form method="post">\n${fields(page)}\n<button>Continue</button>\n</form>`,
  );
}

/** The page that tells the client that the stage is complete, in the words that the spec gives. */
export function stageDonePage(nonce: string): string {
  return htmlPage(
    'Done',
    `<h1>Done</h1>
<p>You can close this window and go on in your client.</p>
<script nonce="${nonce}">
if (window.onAuthDone) {
    window.onAuthDone();
} else if (window.opener && window.opener.postMessage) {
    window.opener.postMessage("authDone", "*");
}
</script>`,
  );
}

/** The page for a session or stage that is not, or no longer, there. */
export function stageGonePage(): string {
  return htmlPage(
    'Nothing to do',
    '<h1>Nothing to do</h1>\n<p>This step does not exist, or its time is over. Begin again in your client.</p>',
  );
}

function fields({ settings, stage, namesUser, nonce }: StagePage): string {
  switch (stage) {
    case 'm.login.dummy':
      return '<p>Nothing is asked of you here.</p>';
    case 'm.login.terms':
      return `<p>Please read and accept:</p>\n<ul>\n${documents(settings)}\n</ul>`;
    case 'm.login.password':
      return (
        namesUser ? '<label>User name <input name="user" autocomplete="username" required></label>\n' : ''
      )
        .concat('<label>Password <input name="password" type="password" autocomplete="current-password"')
        .concat(' required></label>');
    case 'm.login.registration_token':
      return '<label>Registration token <input name="token" autocomplete="off" required></label>';
    case 'm.login.recaptcha': {
      const key = escapeHtml(settings.recaptchaSiteKey ?? '');
      const script = `<script nonce="${nonce}" src="${CAPTCHA}api.js" async defer></script>`;
      return `${script}\n<div class="g-recaptcha" data-sitekey="${key}"></div>`;
    }
  }
}

function documents({ registrationTerms }: HttpSettings): string {
  const item = ({ url, name, language }: HttpSettings['registrationTerms'][number]) =>
    `<li><a href="${escapeHtml(url)}" hreflang="${escapeHtml(language)}" rel="noopener" target="_blank">` +
    `${escapeHtml(name)}</a></li>`;
  return registrationTerms.map(item).join('\n');
}
