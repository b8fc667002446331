import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createRoom, failures, register, sendText, testHouse } from './house.fixture.ts';

after(() => assert.deepEqual(failures, []));

describe('the public app', () => {
  it('lets one person write and another read', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const room = await createRoom(alice, { name: 'Tea', invite: [bob.id] });
    assert.equal((await bob.ask('POST', `/rooms/${room}/join`, {})).status, 200);
    const sent = await sendText(alice, room, 'hello');
    const { json } = await bob.ask('GET', `/rooms/${room}/messages?dir=b&limit=3`);
    assert.equal(json.chunk[0].event_id, sent);
    assert.deepEqual(json.chunk[0].content, { msgtype: 'm.text', body: 'hello' });
  });

  it('answers 404 M_UNRECOGNIZED for an unknown endpoint and 405 with the same code for a wrong method', async () => {
    const house = await testHouse();
    for (const [method, path, status] of [
      ['GET', '/_matrix/client/v3/nothing', 404],
      ['GET', '/_matrix/client/v3/createRoom', 405],
      ['DELETE', '/_matrix/client/versions', 405],
      ['POST', '/_matrix/client/v3/rooms/!a:b/state', 405],
      ['PATCH', '/_matrix/client/v3/login', 405],
      ['HEAD', '/_matrix/client/v3/login', 405],
    ] as const) {
      const reply = await house.ask(method, path);
      assert.equal(reply.status, status, `${method} ${path}`);
      if (method !== 'HEAD') assert.equal(reply.json.errcode, 'M_UNRECOGNIZED', `${method} ${path}`);
    }
  });

  it('keeps the old names of what is older than v3', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const { status, json } = await house.ask('GET', '/_matrix/client/r0/account/whoami', {
      token: alice.token,
    });
    assert.deepEqual([status, json.user_id], [200, alice.id]);
  });

  it('takes a path with or without a slash at its end', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    assert.equal((await alice.ask('GET', '/pushrules/')).status, 200);
    assert.equal((await alice.ask('GET', '/pushrules')).status, 200);
  });

  it('does not tell a client what went wrong inside', async () => {
    const told: unknown[] = [];
    const house = await testHouse(
      {},
      {
        unready: () => Promise.reject(new Error('password of the database: tiger')),
        logger: { debug() {}, info() {}, warn() {}, error: (facts) => void told.push(facts) },
      },
    );
    const { status, json, text } = await house.ask('GET', '/_milena/ready');
    assert.deepEqual([status, json.errcode], [500, 'M_UNKNOWN']);
    assert.doesNotMatch(text, /tiger/);
    assert.equal(told.length, 1);
    assert.match(JSON.stringify(told), /"reqId":"[0-9a-f]{8}-1"/, 'its line has the ID of the request');
  });

  it('says why it is not ready, and that it lives all the same', async () => {
    const house = await testHouse({}, { unready: async () => ['The log cannot be reached.'] });
    const ready = await house.ask('GET', '/_milena/ready');
    assert.deepEqual([ready.status, ready.json.reasons], [503, ['The log cannot be reached.']]);
    assert.equal((await house.ask('GET', '/_milena/live')).status, 200);
  });

  it('has no route of the internal listener', async () => {
    const house = await testHouse();
    for (const path of ['metrics', 'internal/v1/command', 'internal/v1/status', 'internal/v1/users/add']) {
      for (const method of ['GET', 'POST'] as const) {
        const { status, json } = await house.ask(method, `/_milena/${path}`, { body: {} });
        assert.deepEqual([status, json.errcode], [404, 'M_UNRECOGNIZED'], path);
      }
    }
    assert.doesNotMatch(house.app.printRoutes({ commonPrefix: false }), /internal|metrics/);
  });

  it('shows a page that names server and version, and loads nothing from elsewhere', async () => {
    const house = await testHouse();
    const { status, headers, text } = await house.ask('GET', '/');
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /text\/html/);
    assert.match(text, /test\.example/);
    assert.match(text, /Milena 0\.0\.0-test/);
    assert.doesNotMatch(text, /<(script|img|link|iframe)|src=|url\(/);
  });

  it('lets requests that wait know that the server closes', async () => {
    const house = await testHouse();
    let draining = false;
    house.app.addHook('preClose', (done) => {
      draining = house.draining.aborted;
      done();
    });
    await house.app.close();
    assert.ok(draining);
  });
});

describe('bodies', () => {
  const send = (room: string) => `/_matrix/client/v3/rooms/${room}/send/m.room.message`;

  it('refuses what is no JSON, duplicate keys, and numbers that events may not hold', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    for (const [raw, errcode] of [
      ['{', 'M_NOT_JSON'],
      ['', 'M_NOT_JSON'],
      [Buffer.from([0x7b, 0xff, 0x7d]), 'M_NOT_JSON'],
      ['{"body":1,"body":2}', 'M_BAD_JSON'],
      ['{"body":1.5}', 'M_BAD_JSON'],
      ['{"body":9007199254740993}', 'M_BAD_JSON'],
      ['[]', 'M_BAD_JSON'],
      ['null', 'M_BAD_JSON'],
      ['"text"', 'M_BAD_JSON'],
    ] as const) {
      const reply = await house.ask('PUT', `${send(room)}/1`, { token: alice.token, raw });
      assert.deepEqual([reply.status, reply.json.errcode], [400, errcode], String(raw));
    }
  });

  it('gives back a key __proto__ as the content it is', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    const raw = '{"body":"x","__proto__":{"polluted":true},"constructor":1}';
    const { json } = await house.ask('PUT', `${send(room)}/1`, { token: alice.token, raw });
    const event = await alice.ask('GET', `/rooms/${room}/event/${json.event_id}`);
    assert.match(event.text, /"__proto__":\{"polluted":true\}/);
    const path = `/_matrix/client/v3/user/${alice.id}/account_data/x`;
    await house.ask('PUT', path, { token: alice.token, raw });
    assert.equal((await house.ask('GET', path, { token: alice.token })).text, raw);
  });

  it('reads JSON whatever content type the client names', async () => {
    const house = await testHouse();
    const raw = '{"username":"carol","password":"p","auth":{"type":"m.login.dummy"}}';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await house.ask('POST', house.client('/register'), { raw, headers })).status, 200);
  });

  it('refuses a body that is too large before it has read it', async () => {
    const house = await testHouse({ maxBodyBytes: 65_536 });
    const alice = await register(house, 'alice');
    const raw = JSON.stringify({ body: 'x'.repeat(70_000) });
    const reply = await house.ask('PUT', `${send('!a:b')}/1`, { token: alice.token, raw });
    assert.deepEqual([reply.status, reply.json.errcode], [413, 'M_TOO_LARGE']);
  });

  it('refuses paths and parameters that cannot be decoded or are too long', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    for (const path of ['/profile/%ff', `/profile/@${'a'.repeat(2_000)}:test.example`, '/profile/nobody']) {
      const { status, json } = await alice.ask('GET', path);
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
      assert.match(json.errcode, /^M_(INVALID_PARAM|UNRECOGNIZED)$/);
    }
  });
});

describe('CORS', () => {
  it('stands on every answer, errors too', async () => {
    const house = await testHouse();
    for (const path of [
      '/_matrix/client/versions',
      '/_matrix/client/v3/nothing',
      '/_matrix/client/v3/sync',
    ]) {
      const { headers } = await house.ask('GET', path);
      assert.equal(headers['access-control-allow-origin'], '*', path);
      assert.equal(headers['access-control-allow-headers'], 'X-Requested-With, Content-Type, Authorization');
    }
  });

  it('answers a preflight of any path and runs nothing', async () => {
    const house = await testHouse();
    for (const path of ['/_matrix/client/v3/createRoom', '/_matrix/client/v3/nothing']) {
      const { status, headers, text } = await house.ask('OPTIONS', path);
      assert.deepEqual([status, text], [204, '']);
      assert.match(String(headers['access-control-allow-methods']), /PUT/);
      assert.equal(headers['access-control-allow-private-network'], undefined);
    }
    assert.equal(house.log.records.length, 0);
  });

  it('allows a page of the internet to reach a server on a private network, where the browser asks', async () => {
    const house = await testHouse();
    const headers = { 'access-control-request-private-network': 'true' };
    const reply = await house.ask('OPTIONS', '/_matrix/client/versions', { headers });
    assert.equal(reply.headers['access-control-allow-private-network'], 'true');
  });
});
