import { type Client, path, text } from '../../support/client.ts';
import { type Action, Expected, histories, type Settings, settings } from './rules.ts';

/** One room of the table: what was said in it, and what one user may see of it. */
export interface Scene {
  readonly name: string;
  readonly roomId: string;
  readonly expected: Expected;
  /** A token of the event stream from before all of it. */
  readonly before: string;
  /** By phase: the message, its word, and the word of the topic that was set behind it. */
  readonly phases: readonly Phase[];
}

/** A phase of a room: what the owner does between two changes of the other user's membership. */
export interface Phase {
  readonly eventId: string;
  readonly word: string;
  readonly topic: string;
  /** In the new content of an edit of the very first message. */
  readonly edit: string;
}

/** Every room of the table, with everything done in it. */
export async function scenes(owner: Client, viewer: Client): Promise<readonly Scene[]> {
  const made: Scene[] = [];
  const before = text(await viewer.get200('GET', `${path('events')}?timeout=0`), 'start');
  for (const changing of settings)
    for (const [name, actions] of Object.entries(histories))
      made.push(
        await scene(owner, viewer, { settings: changing, name, actions, number: made.length, before }),
      );
  return made;
}

interface Plan {
  readonly settings: Settings;
  readonly name: string;
  readonly actions: readonly Action[];
  readonly number: number;
  readonly before: string;
}

async function scene(owner: Client, viewer: Client, plan: Plan): Promise<Scene> {
  const { name, actions, number, before } = plan;
  const [first, later] = plan.settings;
  const joinRule = actions.includes('knock') ? 'knock' : 'public';
  const roomId = await owner.createRoom({
    initial_state: [
      { type: 'm.room.history_visibility', content: { history_visibility: first } },
      { type: 'm.room.join_rules', content: { join_rule: joinRule } },
    ],
  });
  const phases: Phase[] = [];
  for (let phase = 0; phase <= actions.length; phase += 1) {
    const tag = `r${number}p${phase}`;
    const words = { word: `word${tag}x`, topic: `topic${tag}x`, edit: `edit${tag}x` };
    const eventId = await owner.say(roomId, words.word);
    const edited = phases[0]?.eventId ?? eventId;
    await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: words.edit,
      'm.new_content': { msgtype: 'm.text', body: words.edit },
      'm.relates_to': { rel_type: 'm.replace', event_id: edited },
    });
    await owner.setState(roomId, 'm.room.topic', '', { topic: words.topic });
    phases.push({ eventId, ...words });
    if (phase === 0 && later !== first)
      await owner.setState(roomId, 'm.room.history_visibility', '', { history_visibility: later });
    const action = actions[phase];
    if (action !== undefined) await act(owner, viewer, roomId, action);
  }
  const expected = new Expected(plan.settings, actions);
  return { name: `${plan.settings.join(', then ')}: ${name}`, roomId, expected, before, phases };
}

async function act(owner: Client, viewer: Client, roomId: string, action: Action): Promise<void> {
  const json = { user_id: viewer.userId };
  switch (action) {
    case 'invite':
    case 'kick':
    case 'ban':
      await owner.get200('POST', path('rooms', roomId, action), { json });
      return;
    case 'join':
    case 'leave':
    case 'forget':
      await viewer.get200('POST', path('rooms', roomId, action), { json: {} });
      return;
    case 'knock':
      await viewer.get200('POST', path('knock', roomId), { json: {} });
      return;
    case 'nothing':
  }
}

/** The words of a room that must not be in any answer to the viewer. */
export function hiddenWords({ expected, phases }: Scene): readonly string[] {
  return phases.flatMap(({ word, edit, topic }, phase) => {
    const shownAsState = expected.statePhases.includes(phase);
    return expected.sees(phase) ? [] : [word, edit, ...(shownAsState ? [] : [topic])];
  });
}

/** The words of messages that the viewer may see. */
export function visibleWords({ expected, phases }: Scene): readonly string[] {
  return phases.filter((_, phase) => expected.sees(phase)).map(({ word }) => word);
}
