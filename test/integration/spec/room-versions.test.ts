import { describe, it } from 'node:test';
import { type Client, freshTransaction, isObject, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'Room versions';
const VERSIONS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];
/** Whether a version is one of those since another: of the spec's own versions each builds on the one before. */
const isSince = (version: string, first: number) => Number(version) >= first;

const restricted = (rule: string, space: string): Json => ({
  join_rule: rule,
  allow: [{ type: 'm.room_membership', room_id: space }],
});

const withRule = (content: Json): Json => ({
  initial_state: [{ type: 'm.room.join_rules', state_key: '', content }],
});

/** The form of event IDs, "Event IDs" of each version. */
function idForm(version: string, server: string): RegExp {
  if (!isSince(version, 3)) return new RegExp(`^\\$[^:]+:${server.replaceAll('.', '\\.')}$`);
  return isSince(version, 4) ? /^\$[A-Za-z0-9_-]{43}$/ : /^\$[A-Za-z0-9+/]{43}$/;
}

const eventOf = (user: Client, roomId: string, eventId: string) =>
  user.get200('GET', path('rooms', roomId, 'event', eventId));

it('all versions are stable, and 12 is the default', async () => {
  const user = await shared.user();
  const { capabilities } = await user.get200('GET', path('capabilities'));
  const versions = isObject(capabilities) ? capabilities['m.room_versions'] : undefined;
  const available = Object.fromEntries(VERSIONS.map((version) => [version, 'stable']));
  same(versions, { default: '12', available }, `${section}: complete list of room versions`);
});

it('a version that nobody knows makes no room', async () => {
  const user = await shared.user();
  for (const room_version of ['0', '13', '01', 'org.example'])
    expectError(
      await user.ask('POST', path('createRoom'), { json: { room_version } }),
      400,
      'M_UNSUPPORTED_ROOM_VERSION',
      'CS API, POST createRoom, 400',
    );
});

for (const version of VERSIONS) {
  describe(`a room of version ${version}`, () => {
    const room = (more: Json = {}) => shared.pair({ room_version: version, ...more });

    it('is made as asked, joined, and talked in; others read it page by page and in the sync', async () => {
      const [owner, guest, roomId] = await room({ name: 'Old and new' });
      const create = await owner.state(roomId, 'm.room.create');
      same(create['room_version'], version, 'CS API, m.room.create');
      const creator = isSince(version, 11) ? undefined : owner.userId;
      same(create['creator'], creator, `${section}, 11: creator is gone`);
      check(
        roomId.includes(':') !== isSince(version, 12),
        `${section}, 12: the room ID is the create event's hash`,
        roomId,
      );
      const said = await guest.say(roomId, 'hello');
      check(idForm(version, shared.serverName).test(said), `Room version ${version}: event IDs`, said);
      same((await eventOf(owner, roomId, said))['sender'], guest.userId, 'CS API, GET event');
      const history = await owner.history(roomId);
      same(history.at(-1)?.event_id, said, 'CS API, GET messages');
      for (const { event_id } of history) {
        check(
          idForm(version, shared.serverName).test(event_id),
          `Room version ${version}: event IDs`,
          event_id,
        );
      }
      const synced = await guest.get200('GET', path('sync'));
      check(JSON.stringify(synced).includes(JSON.stringify(said)), 'CS API, GET sync', said);
    });

    it('takes receipts, context, relations and redactions of its events, by whatever ID they have', async () => {
      const [owner, guest, roomId] = await room();
      const said = await guest.say(roomId, 'first');
      expectOk(
        await owner.ask('POST', path('rooms', roomId, 'receipt', 'm.read', said), { json: {} }),
        'CS API, POST receipt',
      );
      const context = await owner.get200('GET', path('rooms', roomId, 'context', said));
      same(
        isObject(context['event']) ? context['event']['event_id'] : undefined,
        said,
        'CS API, GET context',
      );
      const reaction = await owner.send(roomId, 'm.reaction', {
        'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: 'x' },
      });
      check(reaction !== said, 'CS API, reactions', reaction);
      const where = path('rooms', roomId, 'redact', said, freshTransaction());
      const redaction = await owner.get200('PUT', where, { json: { reason: 'spam' } });
      const left = await eventOf(guest, roomId, said);
      same(left['content'], {}, 'CS API, Redactions');
      const told = await eventOf(guest, roomId, String(redaction['event_id']));
      same(told['redacts'], said, `${section}, 11: servers should add redacts to the top level`);
      const rule = `${section}, 11: servers should add redacts to the content in older versions`;
      same(told['content'], { redacts: said, reason: 'spam' }, rule);
    });

    it('lets nobody redact the events of others without the level', async () => {
      const [owner, guest, roomId] = await room();
      const said = await owner.say(roomId, 'stays');
      const answer = await guest.ask('PUT', path('rooms', roomId, 'redact', said, freshTransaction()), {
        json: {},
      });
      expectError(answer, 403, 'M_FORBIDDEN', 'CS API, Redactions');
    });

    it('has power levels that the creator changes and others obey', async () => {
      const [owner, guest, roomId] = await room();
      const levels = await owner.state(roomId, 'm.room.power_levels');
      const users = isObject(levels['users']) ? levels['users'] : {};
      same(owner.userId in users, !isSince(version, 12), `${section}, 12: creators are not among the users`);
      const topic = (user: Client, said: string) =>
        user.ask('PUT', path('rooms', roomId, 'state', 'm.room.topic'), { json: { topic: said } });
      expectError(await topic(guest, 'no'), 403, 'M_FORBIDDEN', 'CS API, m.room.power_levels');
      const raised = { ...levels, users: { ...users, [guest.userId]: 50 } };
      const change = (user: Client, content: Json) =>
        user.ask('PUT', path('rooms', roomId, 'state', 'm.room.power_levels'), { json: content });
      expectOk(await change(owner, raised), 'CS API, PUT state');
      expectOk(await topic(guest, 'yes'), 'CS API, m.room.power_levels');
      const above = { ...levels, users: { ...users, [guest.userId]: 51 } };
      expectError(await change(guest, above), 403, 'M_FORBIDDEN', `Room version ${version}, auth rules`);
    });

    it(`${isSince(version, 10) ? 'takes integers alone' : 'takes texts too'} for power levels`, async () => {
      const [owner, guest, roomId] = await room();
      const levels = await owner.state(roomId, 'm.room.power_levels');
      const users = isObject(levels['users']) ? levels['users'] : {};
      const answer = await owner.ask('PUT', path('rooms', roomId, 'state', 'm.room.power_levels'), {
        json: { ...levels, users: { ...users, [guest.userId]: ' +050 ' } },
      });
      if (isSince(version, 10)) {
        expectError(answer, [400, 403], ['M_FORBIDDEN', 'M_BAD_JSON'], `${section}, 10: integers`);
        return;
      }
      expectOk(answer, 'Room version 1: power levels as strings');
      await guest.get200('PUT', path('rooms', roomId, 'state', 'm.room.topic'), { json: { topic: 'mine' } });
    });

    it(`${isSince(version, 7) ? 'can' : 'cannot'} be knocked at`, async () => {
      const [owner, guest] = [await shared.user(), await shared.user()];
      const roomId = await owner.createRoom({ room_version: version, ...withRule({ join_rule: 'knock' }) });
      const answer = await guest.ask('POST', path('knock', roomId), { json: {} });
      if (!isSince(version, 7)) {
        expectError(answer, 403, 'M_FORBIDDEN', 'Room version 7: users cannot knock on rooms before it');
        return;
      }
      expectOk(answer, 'CS API, Knocking on rooms');
      await owner.invite(roomId, guest.userId);
      await guest.join(roomId);
    });

    for (const [rule, first] of [
      ['restricted', 8],
      ['knock_restricted', 10],
    ] as const) {
      const has = isSince(version, first);
      it(`${has ? 'lets' : 'does not let'} members of another room in by the rule ${rule}`, async () => {
        const [owner, guest, space] = await shared.pair();
        const roomId = await owner.createRoom({
          room_version: version,
          ...withRule(restricted(rule, space)),
        });
        const stranger = await shared.user();
        const join = (user: Client) => user.ask('POST', path('rooms', roomId, 'join'), { json: {} });
        expectError(await join(stranger), 403, 'M_FORBIDDEN', 'CS API, Restricted rooms');
        const answer = await join(guest);
        if (has) expectOk(answer, `Room version ${first}: ${rule}`);
        else expectError(answer, 403, 'M_FORBIDDEN', `Room version ${first}: ${rule}`);
      });
    }

    it('bans, kicks, and lets back in', async () => {
      const [owner, guest, roomId] = await room();
      const act = (what: string) =>
        owner.get200('POST', path('rooms', roomId, what), { json: { user_id: guest.userId } });
      await act('kick');
      await guest.join(roomId);
      await act('ban');
      const answer = await guest.ask('POST', path('rooms', roomId, 'join'), { json: {} });
      expectError(answer, 403, 'M_FORBIDDEN', `Room version ${version}, auth rules`);
      await act('unban');
      await guest.join(roomId);
      await guest.leave(roomId);
    });
  });
}
