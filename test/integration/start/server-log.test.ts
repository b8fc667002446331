import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { login, path, register } from '../../support/client.ts';
import { folderForTest, httpOf, milena, serverIn } from './a-server.ts';

const PASSWORD = 'unspeakable-password';
const CONTENT = 'unspeakable-content';

/** The lines of a server's log that are JSON: the banner is for people. */
function linesOf(output: string): readonly Readonly<Record<string, unknown>>[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

test('every request has a line with an ID of its own, and no token, password or content stands in the log', async () => {
  await using folder = folderForTest();
  const server = await serverIn(folder, 'data', { MILENA_LOG_LEVEL: 'debug' });
  const http = httpOf(server);
  const alice = await register(http, 'alice', PASSWORD);
  const room = await alice.createRoom({ name: CONTENT, topic: CONTENT });
  await alice.say(room, CONTENT);
  await alice.setState(room, 'org.example.state', '', { body: CONTENT });
  await alice.ask('PUT', path('profile', alice.userId, 'displayname'), { json: { displayname: CONTENT } });
  await alice.ask('PUT', path('user', alice.userId, 'account_data', 'org.example'), { json: { a: CONTENT } });
  await alice.sync();
  const second = await login(http, 'alice', PASSWORD);
  // What goes wrong is logged too: a wrong password, no JSON, a token in the URL, an unknown path with words in it.
  await assert.rejects(login(http, 'alice', `${PASSWORD}-wrong`), /403/);
  await http.ask('POST', '/_matrix/client/v3/login', { raw: `{"password":"${PASSWORD}` });
  await http.ask('GET', `/_matrix/client/v3/sync?access_token=${alice.token}&timeout=0`);
  await http.ask('GET', `/${CONTENT}?access_token=${alice.token}`);
  await milena(server.plan.env, ['user', 'set-password', 'alice'], `${PASSWORD}-new\n`);
  await server.stop();

  const output = server.output(10_000_000);
  const requests = linesOf(output).filter(({ msg }) => msg === 'request');
  const ids = requests.map(({ reqId }) => reqId);
  assert.ok(requests.length > 12, `${requests.length} requests`);
  assert.ok(ids.every((id) => typeof id === 'string' && /^[0-9a-f]{8}-[0-9a-z]+$/.test(id)));
  assert.equal(new Set(ids).size, ids.length, 'no two have the same');
  const sent = requests.find(({ route }) => String(route).includes('/send/'));
  assert.partialDeepStrictEqual(sent, { level: 'debug', method: 'PUT', status: 200 });
  for (const [what, secret] of Object.entries({
    password: PASSWORD,
    content: CONTENT,
    token: alice.token,
    'second token': second.token,
    'internal secret': readFileSync(join(folder.path, 'data', 'internal.secret'), 'utf8').trim(),
  })) {
    assert.ok(secret.length > 10, what);
    assert.equal(output.includes(secret), false, `the log has the ${what}`);
  }
});
