import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type FakeVerifier, startFakeVerifier } from '../../support/captcha.ts';
import { freshName, isObject, type Json, path, text } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { type Answer, Http } from '../../support/http.ts';
import { type Server, startServer } from '../../support/server.ts';

const UIA = 'CS API, User-Interactive Authentication API';
const PASSWORD = 'a long enough password';
const SECRET = 'the-captcha-secret';
const TERMS = [
  'privacy 1.2 en https://example.org/privacy-en.html Privacy policy',
  'privacy 1.2 de https://example.org/privacy-de.html Datenschutz',
  'conduct 3 en https://example.org/conduct.html Code of conduct',
].join(',');
const STAGES = ['m.login.registration_token', 'm.login.recaptcha', 'm.login.terms'];

let verifier: FakeVerifier;
let server: Server;
let http: Http;
let token = '';

before(async () => {
  verifier = await startFakeVerifier(SECRET);
  server = await startServer({
    env: {
      MILENA_REGISTRATION: 'token',
      MILENA_REGISTRATION_TERMS: TERMS,
      MILENA_RECAPTCHA_SITE_KEY: 'the-site-key',
      MILENA_RECAPTCHA_SECRET_KEY: SECRET,
      MILENA_RECAPTCHA_VERIFY_URL: verifier.url,
    },
  });
  http = new Http(server.url);
  token = (await server.milena(['token', 'add'])).stdout.trim();
});
after(async () => {
  http?.close();
  await server?.[Symbol.asyncDispose]();
  await verifier?.[Symbol.asyncDispose]();
});

const register = (json: Json): Promise<Answer> => http.ask('POST', path('register'), { json });

/** The body of a 401 that asks for authentication. */
function challenge(answer: Answer, section: string): Json {
  same(answer.status, 401, `${section}: expected 401, got ${answer.text}`);
  check(isObject(answer.json), section, answer.text);
  const { flows, session } = answer.json;
  same(flows, [{ stages: STAGES }], `${section}: flows`);
  check(typeof session === 'string', `${section}: session`, answer.json);
  return answer.json;
}

async function begin(parameters: Json): Promise<string> {
  return text(challenge(await register(parameters), UIA), 'session');
}

const ofStage = {
  token: (session: string, value = token) => ({ type: 'm.login.registration_token', token: value, session }),
  captcha: (session: string, response = 'solved') => ({ type: 'm.login.recaptcha', response, session }),
  terms: (session: string) => ({ type: 'm.login.terms', session }),
};

describe('the UIA with several stages', () => {
  it('answers a request without auth with flows, params and a session, and no errcode', async () => {
    const body = challenge(await register({}), UIA);
    check(!('errcode' in body) && !('completed' in body), `${UIA}: nothing has failed yet`, body);
    same(
      body['params'],
      {
        'm.login.recaptcha': { public_key: 'the-site-key' },
        'm.login.terms': {
          policies: {
            privacy: {
              version: '1.2',
              en: { name: 'Privacy policy', url: 'https://example.org/privacy-en.html' },
              de: { name: 'Datenschutz', url: 'https://example.org/privacy-de.html' },
            },
            conduct: {
              version: '3',
              en: { name: 'Code of conduct', url: 'https://example.org/conduct.html' },
            },
          },
        },
      },
      'CS API, m.login.terms params; Google ReCaptcha',
    );
  });

  it('gives every request a session of its own', async () => {
    assert.notEqual(await begin({}), await begin({}));
  });

  it('makes the account when all stages are completed in order, telling which are meanwhile', async () => {
    const parameters = { username: freshName('uia'), password: PASSWORD };
    const session = await begin(parameters);
    const first = challenge(await register({ ...parameters, auth: ofStage.token(session) }), UIA);
    same(first['completed'], STAGES.slice(0, 1), `${UIA}: completed`);
    same(first['session'], session, `${UIA}: session`);
    const second = challenge(await register({ ...parameters, auth: ofStage.captcha(session) }), UIA);
    same(second['completed'], STAGES.slice(0, 2), `${UIA}: completed`);
    const last = expectOk(await register({ ...parameters, auth: ofStage.terms(session) }), UIA);
    same(last['user_id'], `@${parameters.username}:localhost`, UIA);
  });

  it('answers 401 when a stage does not come next, and completes nothing', async () => {
    const parameters = { username: freshName('uia'), password: PASSWORD };
    const session = await begin(parameters);
    const body = challenge(await register({ ...parameters, auth: ofStage.terms(session) }), UIA);
    same(body['errcode'], 'M_FORBIDDEN', `${UIA}: failing to follow the flows in order must result in a 401`);
    check(!('completed' in body), UIA, body);
  });

  it('answers 401 to a type that no flow has', async () => {
    const session = await begin({});
    for (const type of ['m.login.dummy', 'm.login.password', 'm.login.sso', 'org.example.none', '']) {
      const body = challenge(await register({ auth: { type, session, password: 'x' } }), `${UIA}: ${type}`);
      check(!('completed' in body), `${UIA}: ${type}`, body);
    }
  });

  it('tells of a stage that failed with M_FORBIDDEN beside the flows, and lets it be tried again', async () => {
    const session = await begin({});
    const wrong = challenge(await register({ auth: ofStage.token(session, 'wrong') }), UIA);
    same([wrong['errcode'], typeof wrong['error']], ['M_FORBIDDEN', 'string'], `${UIA}: errcode and error`);
    same(wrong['session'], session, `${UIA}: the same session`);
    const right = challenge(await register({ auth: ofStage.token(session) }), UIA);
    same(right['completed'], STAGES.slice(0, 1), UIA);
    check(!('errcode' in right), UIA, right);
  });

  it('takes a completed stage that comes again for what it is, whatever comes with it', async () => {
    const session = await begin({});
    await register({ auth: ofStage.token(session) });
    const again = challenge(await register({ auth: ofStage.token(session, 'wrong') }), UIA);
    same(again['completed'], STAGES.slice(0, 1), `${UIA}: completed stages cannot be retried`);
    check(!('errcode' in again), UIA, again);
  });

  it('answers a request with the session alone by how far it is', async () => {
    const session = await begin({});
    same(challenge(await register({ auth: { session } }), UIA)['completed'], undefined, UIA);
    await register({ auth: ofStage.token(session) });
    same(challenge(await register({ auth: { session } }), UIA)['completed'], STAGES.slice(0, 1), UIA);
  });

  it('does not know a session that it has not given, and begins another', async () => {
    for (const session of ['never-given', '', '\u0000', 'ä'.repeat(500)]) {
      const body = challenge(await register({ auth: ofStage.token(session) }), UIA);
      same(body['errcode'], 'M_FORBIDDEN', UIA);
      assert.notEqual(body['session'], session);
      check(!('completed' in body), UIA, body);
    }
  });

  it('does not go on with another request than the one that was begun', async () => {
    const mine = { username: freshName('uia'), password: PASSWORD };
    const session = await begin(mine);
    await register({ ...mine, auth: ofStage.token(session) });
    await register({ ...mine, auth: ofStage.captcha(session) });
    const other = { ...mine, username: freshName('uia'), auth: ofStage.terms(session) };
    const body = challenge(await register(other), UIA);
    same(body['errcode'], 'M_FORBIDDEN', `${UIA}: the same request, resubmitted`);
    assert.notEqual(body['session'], session);
    expectOk(await register({ ...mine, auth: ofStage.terms(session) }), `${UIA}: the session is still good`);
  });

  it('takes the parameters from the first request that has some', async () => {
    const session = await begin({});
    const parameters = { username: freshName('uia'), password: PASSWORD };
    await register({ ...parameters, auth: ofStage.token(session) });
    await register({ auth: ofStage.captcha(session) });
    const body = expectOk(await register({ auth: ofStage.terms(session) }), `${UIA}, Fallback: auth alone`);
    same(body['user_id'], `@${parameters.username}:localhost`, UIA);
  });

  describe('whose last answer got lost', () => {
    const rule = `${UIA}: or the result of the API call if all stages were completed when a client retries a stage`;
    const completed = async (parameters: Json) => {
      const session = await begin(parameters);
      await register({ ...parameters, auth: ofStage.token(session) });
      await register({ ...parameters, auth: ofStage.captcha(session) });
      return session;
    };

    it('gives it again to the same request, and makes one account', async () => {
      const parameters = { username: freshName('uia'), password: PASSWORD };
      const session = await completed(parameters);
      const last = { ...parameters, auth: ofStage.terms(session) };
      const first = expectOk(await register(last), rule);
      same(expectOk(await register(last), rule), first, rule);
      same(expectOk(await register({ ...parameters, auth: { session } }), rule), first, rule);
      const who = await http.ask('GET', path('account', 'whoami'), { token: text(first, 'access_token') });
      same(expectOk(who, rule)['user_id'], first['user_id'], `${rule}: the token is one`);
    });

    it('gives it to requests at the same time, too', async () => {
      const parameters = { username: freshName('uia'), password: PASSWORD };
      const session = await completed(parameters);
      const last = { ...parameters, auth: ofStage.terms(session) };
      const answers = await Promise.all([register(last), register(last), register(last)]);
      const bodies = answers.map((answer) => expectOk(answer, rule));
      for (const body of bodies) same(body, bodies[0], rule);
    });

    it('gives it to no other request', async () => {
      const parameters = { username: freshName('uia'), password: PASSWORD };
      const session = await completed(parameters);
      expectOk(await register({ ...parameters, auth: ofStage.terms(session) }), UIA);
      const other = { ...parameters, username: freshName('uia'), auth: ofStage.terms(session) };
      same(challenge(await register(other), UIA)['errcode'], 'M_FORBIDDEN', `${UIA}: another body`);
      const bare = challenge(await register({ auth: { session } }), UIA);
      same(bare['errcode'], 'M_FORBIDDEN', `${UIA}: who knows the session alone gets no access token`);
      const password = { ...parameters, password: 'another password', auth: ofStage.terms(session) };
      expectError(await register(password), 400, 'M_USER_IN_USE', `${UIA}: another body`);
    });

    it('refuses again what was refused', async () => {
      const once = (await server.milena(['token', 'add', '--uses', '1'])).stdout.trim();
      const parameters = { username: freshName('uia'), password: PASSWORD };
      const session = await begin(parameters);
      await register({ ...parameters, auth: ofStage.token(session, once) });
      await register({ ...parameters, auth: ofStage.captcha(session) });
      await server.milena(['token', 'remove', once]);
      const last = { ...parameters, auth: ofStage.terms(session) };
      for (let time = 0; time < 2; time++) expectError(await register(last), 403, 'M_FORBIDDEN', rule);
    });
  });

  it('is done with a session once it was used', async () => {
    const parameters = { username: freshName('uia'), password: PASSWORD };
    const session = await begin(parameters);
    await register({ ...parameters, auth: ofStage.token(session) });
    await register({ ...parameters, auth: ofStage.captcha(session) });
    expectOk(await register({ ...parameters, auth: ofStage.terms(session) }), UIA);
    const more = { username: freshName('uia'), password: PASSWORD };
    challenge(await register({ ...more, auth: { session } }), UIA);
  });

  it('says what is missing in auth with 400', async () => {
    const session = await begin({});
    const auth = { type: 'm.login.registration_token', session };
    expectError(await register({ auth }), 400, 'M_MISSING_PARAM', `${UIA}: not a matter of authentication`);
    expectError(await register({ auth: 'x' }), 400, 'M_BAD_JSON', UIA);
    expectError(await register({ auth: { type: 1 } }), 400, 'M_BAD_JSON', UIA);
  });

  it('refuses a name that is taken before anybody authenticates, and a name that cannot be', async () => {
    const section = 'CS API, POST /register, 400';
    const username = freshName('uia');
    const parameters = { username, password: PASSWORD };
    const session = await begin(parameters);
    await register({ ...parameters, auth: ofStage.token(session) });
    await register({ ...parameters, auth: ofStage.captcha(session) });
    expectOk(await register({ ...parameters, auth: ofStage.terms(session) }), section);
    expectError(await register(parameters), 400, 'M_USER_IN_USE', section);
    expectError(await register({ username: 'Größe' }), 400, 'M_INVALID_USERNAME', section);
  });
});

describe('captchas', () => {
  const section = 'CS API, Google ReCaptcha';

  it('are checked with the configured service, which gets the secret and the response', async () => {
    const session = await begin({});
    await register({ auth: ofStage.token(session) });
    const failed = challenge(await register({ auth: ofStage.captcha(session, 'guessed') }), section);
    same(failed['errcode'], 'M_FORBIDDEN', section);
    same(failed['completed'], STAGES.slice(0, 1), section);
    const solved = challenge(await register({ auth: ofStage.captcha(session) }), section);
    same(solved['completed'], STAGES.slice(0, 2), section);
    const last = verifier.asked.at(-1);
    same([last?.get('secret'), last?.get('response')], [SECRET, 'solved'], section);
  });
});

describe('registration tokens', () => {
  const section = 'CS API, Token-authenticated registration';
  const validity = (value: string) =>
    http.ask(
      'GET',
      `/_matrix/client/v1/register/m.login.registration_token/validity?token=${encodeURIComponent(value)}`,
    );
  const added = async (...options: string[]): Promise<string> =>
    (await server.milena(['token', 'add', ...options])).stdout.trim();

  async function use(value: string): Promise<Answer> {
    const parameters = { username: freshName('token'), password: PASSWORD };
    const session = await begin(parameters);
    const first = await register({ ...parameters, auth: ofStage.token(session, value) });
    if (isObject(first.json) && 'errcode' in first.json) return first;
    await register({ ...parameters, auth: ofStage.captcha(session) });
    return register({ ...parameters, auth: ofStage.terms(session) });
  }

  it('are valid or not, and the server says so', async () => {
    same(expectOk(await validity(token), section), { valid: true }, section);
    same(expectOk(await validity('never-made'), section), { valid: false }, section);
    same(expectOk(await validity('ä\u0000'), section), { valid: false }, section);
    const without = '/_matrix/client/v1/register/m.login.registration_token/validity';
    expectError(await http.ask('GET', without), 400, 'M_MISSING_PARAM', section);
  });

  it('can be chosen, and are good for as many accounts as was said', async () => {
    const chosen = `chosen.${freshName('t')}`;
    same(await added(chosen, '--uses', '2'), chosen, section);
    expectOk(await use(chosen), section);
    same(expectOk(await validity(chosen), section), { valid: true }, section);
    expectOk(await use(chosen), section);
    same(expectOk(await validity(chosen), section), { valid: false }, `${section}: used up`);
    same(challenge(await use(chosen), section)['errcode'], 'M_FORBIDDEN', section);
    const list = (await server.milena(['token', 'list'])).stdout;
    check(list.includes('2 of 2') && !list.includes(chosen), `${section}: the list shows no token`, list);
  });

  it('that run out between the stage and the end make no account', async () => {
    const once = await added('--uses', '1');
    const parameters = { username: freshName('late'), password: PASSWORD };
    const session = await begin(parameters);
    await register({ ...parameters, auth: ofStage.token(session, once) });
    await register({ ...parameters, auth: ofStage.captcha(session) });
    expectOk(await use(once), section);
    const late = await register({ ...parameters, auth: ofStage.terms(session) });
    expectError(late, 403, 'M_FORBIDDEN', section);
    const available = await http.ask(
      'GET',
      `${path('register', 'available')}?username=${parameters.username}`,
    );
    expectOk(available, `${section}: there is no such account`);
  });

  it('are not used up by an account that cannot be made', async () => {
    const once = await added('--uses', '1');
    const parameters = { username: freshName('raced'), password: PASSWORD };
    const [lost, won] = [await begin(parameters), await begin(parameters)];
    await register({ ...parameters, auth: ofStage.token(lost, once) });
    await register({ ...parameters, auth: ofStage.captcha(lost) });
    await register({ ...parameters, auth: ofStage.token(won) });
    await register({ ...parameters, auth: ofStage.captcha(won) });
    const both = await Promise.all([
      register({ ...parameters, auth: ofStage.terms(won) }),
      register({ ...parameters, auth: ofStage.terms(lost) }),
    ]);
    same(both.filter(({ status }) => status === 200).length, 1, `${section}: one account`);
    const valid = both[0]?.status === 200;
    same(expectOk(await validity(once), section), { valid }, `${section}: the use was given back`);
  });

  it('can be removed, by themselves or by their fingerprint', async () => {
    const gone = await added();
    same((await server.milena(['token', 'remove', gone])).code, 0, section);
    same(expectOk(await validity(gone), section), { valid: false }, section);
    const again = await server.milena(['token', 'remove', gone]);
    check(again.code === 1 && again.stderr.includes('no such registration token'), section, again.stderr);
    same((await server.milena(['token', 'add', 'no token'])).code, 1, `${section}: the grammar`);
  });
});

describe('fallback pages', () => {
  const section = 'CS API, Fallback';
  const pageOf = (type: string, session: string) =>
    `${path('auth', type, 'fallback', 'web')}?session=${encodeURIComponent(session)}`;
  const submit = (type: string, session: string, form: Record<string, string>) =>
    http.ask('POST', pageOf(type, session), {
      raw: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  const html = (answer: Answer, status = 200): string => {
    same(answer.status, status, `${section}: ${answer.text.slice(0, 200)}`);
    assert.match(String(answer.headers['content-type']), /^text\/html/, section);
    return answer.text;
  };

  it('let every stage be completed in a browser; then the session alone goes on', async () => {
    const parameters = { username: freshName('web'), password: PASSWORD };
    const session = await begin(parameters);
    const [first, second, third] = STAGES as [string, string, string];
    check(html(await http.ask('GET', pageOf(first, session))).includes('name="token"'), section);
    const done = html(await submit(first, session, { token }));
    check(
      done.includes('window.onAuthDone()') && done.includes('postMessage("authDone", "*")'),
      section,
      done,
    );
    const captcha = html(await http.ask('GET', pageOf(second, session)));
    check(captcha.includes('data-sitekey="the-site-key"'), section, captcha);
    html(await submit(second, session, { 'g-recaptcha-response': 'solved' }));
    const terms = html(await http.ask('GET', pageOf(third, session)));
    check(
      terms.includes('https://example.org/privacy-en.html') && terms.includes('Code of conduct'),
      section,
    );
    html(await submit(third, session, {}));
    const body = expectOk(await register({ auth: { session } }), section);
    same(body['user_id'], `@${parameters.username}:localhost`, section);
  });

  it('say what was wrong and show the form again', async () => {
    const session = await begin({});
    const [first, second] = STAGES as [string, string];
    const wrong = html(await submit(first, session, { token: 'wrong' }), 403);
    check(wrong.includes('name="token"') && !wrong.includes('onAuthDone'), section, wrong);
    same(challenge(await register({ auth: { session } }), section)['completed'], undefined, section);
    html(await submit(first, session, {}), 400);
    html(await submit(first, session, { token }));
    html(await submit(second, session, { 'g-recaptcha-response': 'guessed' }), 403);
  });

  it('show that a stage is done when they are opened again', async () => {
    const session = await begin({});
    await submit(STAGES[0] ?? '', session, { token });
    check(html(await http.ask('GET', pageOf(STAGES[0] ?? '', session))).includes('onAuthDone'), section);
  });

  it('are not there for sessions and stages that are not', async () => {
    const session = await begin({});
    html(await http.ask('GET', pageOf(STAGES[0] ?? '', 'never-given')), 404);
    html(await http.ask('GET', pageOf(STAGES[2] ?? '', session)), 404);
    html(await http.ask('GET', pageOf('m.login.sso', session)), 404);
    html(await submit('m.login.terms', session, {}), 404);
  });

  it('run no script but their own and the captcha’s', async () => {
    const answer = await http.ask('GET', pageOf(STAGES[0] ?? '', await begin({})));
    const policy = String(answer.headers['content-security-policy']);
    check(
      policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"),
      section,
      policy,
    );
    check(!/script-src[^;]*unsafe/.test(policy), section, policy);
  });
});

describe('a captcha service that is broken', () => {
  it('is told as 503, and the session is kept', async () => {
    const session = await begin({});
    await register({ auth: ofStage.token(session) });
    verifier.break();
    const answer = await register({ auth: ofStage.captcha(session) });
    same(answer.status, 503, answer.text);
    same(challenge(await register({ auth: { session } }), UIA)['completed'], STAGES.slice(0, 1), UIA);
  });
});
