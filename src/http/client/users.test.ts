import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createRoom, failures, register, sendText, testHouse } from '../house.fixture.ts';

after(() => assert.deepEqual(failures, []));

describe('a profile', () => {
  it('is read by anyone, and a change of it writes to no room by itself', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    await alice.ask('PUT', `/profile/${alice.id}/displayname`, { displayname: 'Alice' });
    await alice.ask('PUT', `/profile/${alice.id}/avatar_url`, { avatar_url: 'mxc://test.example/a' });
    const expected = { displayname: 'Alice', avatar_url: 'mxc://test.example/a' };
    assert.deepEqual((await house.ask('GET', house.client(`/profile/${alice.id}`))).json, expected);
    const one = await house.ask('GET', house.client(`/profile/${alice.id}/displayname`));
    assert.deepEqual(one.json, { displayname: 'Alice' });
    await alice.ask('DELETE', `/profile/${alice.id}/displayname`);
    // Rooms are told by a process manager, which this house has not.
    const member = await alice.ask('GET', `/rooms/${room}/state/m.room.member/${alice.id}`);
    assert.deepEqual(member.json, { membership: 'join' });
    assert.equal((await alice.ask('GET', `/profile/${alice.id}/displayname`)).json.errcode, 'M_NOT_FOUND');
  });

  it('is changed by its user alone, and holds any field of up to 64 KiB in all', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const set = async (field: string, body: object, user = alice) =>
      (await user.ask('PUT', `/profile/${alice.id}/${field}`, body)).json.errcode;
    assert.equal(await set('displayname', { displayname: 'x' }, bob), 'M_FORBIDDEN');
    assert.equal(await set('m.tz', { 'm.tz': 'Europe/Vienna' }), undefined);
    assert.equal(await set('org.example', { 'org.example': { a: [1] } }), undefined);
    assert.equal(await set('Org', { Org: 1 }), 'M_INVALID_PARAM');
    assert.equal(await set('x'.repeat(256), {}), 'M_KEY_TOO_LARGE');
    assert.equal(await set('org.big', { 'org.big': 'x'.repeat(70_000) }), 'M_PROFILE_TOO_LARGE');
    assert.equal(await set('displayname', {}), 'M_MISSING_PARAM');
    assert.equal(await set('displayname', { displayname: 7 }), 'M_INVALID_PARAM');
    assert.equal(await set('displayname', { displayname: 'x'.repeat(3_000) }), 'M_TOO_LARGE');
    assert.equal((await bob.ask('GET', '/profile/@nobody:test.example')).json.errcode, 'M_NOT_FOUND');
    const { json } = await alice.ask('GET', '/capabilities');
    assert.deepEqual(json.capabilities['m.profile_fields'], { enabled: true });
    const profile = (await bob.ask('GET', `/profile/${alice.id}`)).json;
    assert.deepEqual(profile, { 'm.tz': 'Europe/Vienna', 'org.example': { a: [1] } });
    assert.equal(json.capabilities['m.room_versions'].available['12'], 'stable');
  });
});

describe('account data', () => {
  it('is kept for the user and for a room of the user, and belongs to the user alone', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const room = await createRoom(alice);
    for (const base of [`/user/${alice.id}`, `/user/${alice.id}/rooms/${room}`]) {
      const path = `${base}/account_data/org.example.thing`;
      assert.equal((await alice.ask('GET', path)).json.errcode, 'M_NOT_FOUND');
      assert.equal((await alice.ask('PUT', path, { a: 1.5 })).status, 200);
      assert.deepEqual((await alice.ask('GET', path)).json, { a: 1.5 });
      assert.equal((await bob.ask('GET', path)).json.errcode, 'M_FORBIDDEN');
      assert.equal((await bob.ask('PUT', path, {})).json.errcode, 'M_FORBIDDEN');
      assert.equal((await alice.ask('PUT', path, [])).json.errcode, 'M_BAD_JSON');
    }
  });

  it('that the server keeps cannot be set', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    for (const type of ['m.push_rules', 'm.fully_read']) {
      const { status, json } = await alice.ask('PUT', `/user/${alice.id}/account_data/${type}`, {});
      assert.deepEqual([status, json.errcode], [405, 'M_BAD_JSON']);
    }
  });

  it('of tags is set and removed one tag at a time', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    const tags = `/user/${alice.id}/rooms/${room}/tags`;
    await alice.ask('PUT', `${tags}/m.favourite`, { order: 0.25 });
    await alice.ask('PUT', `${tags}/u.work`);
    const expected = { tags: { 'm.favourite': { order: 0.25 }, 'u.work': {} } };
    assert.deepEqual((await alice.ask('GET', tags)).json, expected);
    await alice.ask('DELETE', `${tags}/m.favourite`);
    const data = await alice.ask('GET', `/user/${alice.id}/rooms/${room}/account_data/m.tag`);
    assert.deepEqual(data.json, { tags: { 'u.work': {} } });
    assert.equal((await alice.ask('PUT', `${tags}/x`, { order: 2 })).json.errcode, 'M_BAD_JSON');
  });
});

describe('push rules', () => {
  it('are the default ones, as a whole and one by one', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const all = (await alice.ask('GET', '/pushrules/')).json;
    assert.deepEqual(Object.keys(all.global), ['override', 'content', 'room', 'sender', 'underride']);
    assert.equal(all.global.override[0].rule_id, '.m.rule.master');
    assert.deepEqual((await alice.ask('GET', '/pushrules/global/')).json, all.global);
    const mention = all.global.override.find(
      (rule: { rule_id: string }) => rule.rule_id === '.m.rule.is_user_mention',
    );
    const path = '/pushrules/global/override/.m.rule.is_user_mention';
    assert.deepEqual((await alice.ask('GET', path)).json, mention);
    assert.deepEqual(mention.actions[2], { set_tweak: 'highlight' });
    assert.deepEqual((await alice.ask('GET', `${path}/enabled`)).json, { enabled: true });
    assert.deepEqual((await alice.ask('GET', `${path}/actions`)).json, { actions: mention.actions });
    assert.equal((await alice.ask('GET', '/pushrules/global/override/none')).json.errcode, 'M_NOT_FOUND');
    assert.equal((await alice.ask('GET', '/pushrules/global/none/none')).json.errcode, 'M_NOT_FOUND');
  });
});

describe('filters', () => {
  it('are kept as they came, under one ID for one content', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const filter = { room: { timeline: { limit: 5, types: ['m.room.message'] } }, 'org.example.more': [1] };
    const first = (await alice.ask('POST', `/user/${alice.id}/filter`, filter)).json.filter_id;
    assert.equal((await alice.ask('POST', `/user/${alice.id}/filter`, filter)).json.filter_id, first);
    assert.doesNotMatch(first, /^\{/);
    assert.deepEqual((await alice.ask('GET', `/user/${alice.id}/filter/${first}`)).json, filter);
    assert.equal((await alice.ask('GET', `/user/${alice.id}/filter/none`)).json.errcode, 'M_NOT_FOUND');
    const bad = await alice.ask('POST', `/user/${alice.id}/filter`, { room: { timeline: { limit: 'x' } } });
    assert.equal(bad.json.errcode, 'M_BAD_JSON');
  });
});

describe('typing', () => {
  it('is published with its end, also when it stops, and never for another user or from outside', async () => {
    const house = await testHouse({}, { now: () => 1_000 });
    const alice = await register(house, 'alice');
    const eve = await register(house, 'eve');
    const room = await createRoom(alice);
    const path = `/rooms/${room}/typing/${alice.id}`;
    await alice.ask('PUT', path, { typing: true, timeout: 5_000 });
    await alice.ask('PUT', path, { typing: true, timeout: 9_999_999 });
    await alice.ask('PUT', path, { typing: false });
    const notice = { room_id: room, user_id: alice.id, device_id: alice.device };
    assert.deepEqual(house.typed, [
      { ...notice, typing: true, until: 6_000 },
      { ...notice, typing: true, until: 121_000 },
      { ...notice, typing: false, until: 1_000 },
    ]);
    assert.equal((await eve.ask('PUT', path, { typing: true })).json.errcode, 'M_FORBIDDEN');
    const own = `/rooms/${room}/typing/${eve.id}`;
    assert.equal((await eve.ask('PUT', own, { typing: true })).json.errcode, 'M_FORBIDDEN');
  });
});

describe('receipts', () => {
  it('go to the log with the place of their event, threaded or not', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    const event = await sendText(alice, room, 'hello');
    const place = (await house.deps.reads.timeline.whereIs(room as never, event as never))?.place;
    await alice.ask('POST', `/rooms/${room}/receipt/m.read/${event}`, {});
    await alice.ask('POST', `/rooms/${room}/receipt/m.read.private/${event}`, { thread_id: 'main' });
    await alice.ask('POST', `/rooms/${room}/read_markers`, { 'm.fully_read': event, 'm.read': event });
    const set = house.log.records.flatMap(({ fact }) => (fact.type === 'receipt_set' ? [fact.value] : []));
    assert.deepEqual(
      set.map((value) => [value.receipt_type, value.thread_id, value.event_id, value.place]),
      [
        ['m.read', null, event, place],
        ['m.read.private', 'main', event, place],
        ['m.fully_read', null, event, place],
      ],
    );
  });

  it('refuse unknown types and events, threads of the fully-read marker, and outsiders', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const eve = await register(house, 'eve');
    const room = await createRoom(alice);
    const event = await sendText(alice, room, 'hello');
    const set = async (user: typeof alice, what: string, body = {}) =>
      (await user.ask('POST', `/rooms/${room}/receipt/${what}`, body)).json.errcode;
    assert.equal(await set(alice, `m.delivered/${event}`), 'M_INVALID_PARAM');
    assert.equal(await set(alice, 'm.read/$nothing'), 'M_NOT_FOUND');
    assert.equal(await set(alice, `m.fully_read/${event}`, { thread_id: 'main' }), 'M_INVALID_PARAM');
    assert.equal(await set(alice, `m.read/${event}`, { thread_id: '' }), 'M_BAD_JSON');
    assert.equal(await set(eve, `m.read/${event}`), 'M_FORBIDDEN');
  });
});

describe('a client that has just started', () => {
  it('finds the versions that today’s clients look for, and the base URL', async () => {
    const house = await testHouse();
    const { json } = await house.ask('GET', '/_matrix/client/versions');
    for (const version of ['r0.6.1', 'v1.1', 'v1.4', 'v1.11', 'v1.13', 'v1.15', 'v1.16', 'v1.19']) {
      assert.ok(json.versions.includes(version), version);
    }
    const wellKnown = await house.ask('GET', '/.well-known/matrix/client');
    assert.deepEqual(wellKnown.json, { 'm.homeserver': { base_url: 'http://127.0.0.1:8008' } });
  });

  it('finds no third-party networks', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    assert.deepEqual((await alice.ask('GET', '/thirdparty/protocols')).json, {});
  });
});
