import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MilenaError } from '../errors/milena-error.ts';
import { asRoomId, asUserId } from '../matrix/identifiers.ts';
import type { Command, SendEvent } from '../owner/commands.ts';
import { type TellDeps, tellProfile } from './tell-profile.ts';

const alice = asUserId('@alice:test.example');
const rooms = ['one', 'two', 'three'].map((name) => asRoomId(`!${name}:test.example`));
const change = { user_id: alice, fields: new Set(['displayname']), through: 7 };

/** A house in which `refuse` says what becomes of a command. */
function house(
  refuse: (command: SendEvent) => MilenaError | undefined = () => undefined,
  more: Partial<TellDeps> = {},
) {
  const commands: Command[] = [];
  const deps: TellDeps = {
    bus: {
      execute: async (command) => {
        const refused = command.kind === 'send_event' ? refuse(command) : undefined;
        if (refused !== undefined) throw refused;
        commands.push(command);
        return {};
      },
    },
    gate: { reached: async () => true },
    ends: async () => [3, 0],
    profile: async () => ({ displayname: 'Alice', avatar_url: 'mxc://test.example/new' }),
    joinedRooms: async () => rooms,
    memberContent: async () =>
      JSON.stringify({
        membership: 'join',
        displayname: 'Al',
        avatar_url: 'mxc://test.example/here',
        reason: 'hello',
      }),
    now: () => 1_000,
    ...more,
  };
  return { deps, commands };
}

const sends = (commands: readonly Command[]) => commands.filter((command) => command.kind === 'send_event');

describe('telling rooms of a profile', () => {
  it('sets what has changed, keeps what the room has of its own, and notes it on the log at last', async () => {
    const { deps, commands } = house();
    await tellProfile(deps, change);
    for (const { content } of sends(commands)) {
      const expected = { membership: 'join', displayname: 'Alice', avatar_url: 'mxc://test.example/here' };
      assert.deepEqual(JSON.parse(content), expected);
    }
    assert.deepEqual(
      commands.map(({ kind }) => kind),
      ['send_event', 'send_event', 'send_event', 'mark_profile_told'],
    );
  });

  it('removes what was removed', async () => {
    const { deps, commands } = house(undefined, { profile: async () => ({}) });
    await tellProfile(deps, change);
    const contents = sends(commands).map(({ content }) => JSON.parse(content));
    assert.equal(contents.length, 3);
    for (const content of contents) assert.equal('displayname' in content, false);
  });

  it('sends the same commands when it is done again, and others for another change', async () => {
    const [first, again, later] = [house(), house(), house()];
    await tellProfile(first.deps, change);
    await tellProfile(again.deps, change);
    await tellProfile(later.deps, { ...change, through: 8 });
    const ids = ({ commands }: ReturnType<typeof house>) => commands.map(({ id }) => id).sort();
    assert.deepEqual(ids(again), ids(first));
    assert.equal(new Set([...ids(first), ...ids(later)]).size, 8);
  });

  it('sends nothing to a room that shows it already', async () => {
    const shown = { memberContent: async () => JSON.stringify({ membership: 'join', displayname: 'Alice' }) };
    const { deps, commands } = house(undefined, shown);
    await tellProfile(deps, change);
    assert.deepEqual(
      commands.map(({ kind }) => kind),
      ['mark_profile_told'],
    );
  });

  it('does not mind a room that refuses', async () => {
    const { deps, commands } = house(({ room_id }) =>
      room_id === rooms[0] ? new MilenaError('FORBIDDEN') : undefined,
    );
    await tellProfile(deps, change);
    assert.deepEqual(
      commands.map(({ kind }) => kind),
      ['send_event', 'send_event', 'mark_profile_told'],
    );
  });

  it('tells the others and notes nothing where a room cannot be reached', async () => {
    const { deps, commands } = house(({ room_id }) =>
      room_id === rooms[1] ? new MilenaError('UNAVAILABLE') : undefined,
    );
    await assert.rejects(tellProfile(deps, change), { code: 'UNAVAILABLE' });
    assert.deepEqual(
      commands.map(({ kind }) => kind),
      ['send_event', 'send_event'],
    );
  });

  it('waits for the models rather than tell an old name', async () => {
    const { deps, commands } = house(undefined, { gate: { reached: async () => false } });
    await assert.rejects(tellProfile(deps, change), { code: 'UNAVAILABLE' });
    assert.deepEqual(commands, []);
  });
});
