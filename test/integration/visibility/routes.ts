import { type Client, isObject, path } from '../../support/client.ts';
import type { Answer } from '../../support/http.ts';
import { hiddenWords, type Phase, type Scene, visibleWords } from './scene.ts';

/** Asks a route in one room of the table. @returns what is wrong with the answers, one sentence each. */
export type Probe = (viewer: Client, scene: Scene) => Promise<readonly string[]>;

/**
 * Every route by which an event, or a part of one, can leave the server: each with what it may tell. The keys are
 * those of the route list; a route that returns events and has no entry fails the test.
 */
export const probes: Readonly<Record<string, Probe>> = {
  'GET /rooms/:roomId/event/:eventId': oneEvent((roomId, { eventId }) =>
    path('rooms', roomId, 'event', eventId),
  ),
  'GET /events/:eventId': oneEvent((_, { eventId }) => path('events', eventId)),
  'GET /rooms/:roomId/context/:eventId': oneEvent(
    (roomId, { eventId }) => `${path('rooms', roomId, 'context', eventId)}?limit=100`,
  ),
  'GET /rooms/:roomId/timestamp_to_event': closest,
  'GET /rooms/:roomId/messages': messages,
  'GET /rooms/:roomId/state': ofRoom((roomId) => path('rooms', roomId, 'state')),
  'GET /rooms/:roomId/state/:eventType': ofRoom((roomId) => path('rooms', roomId, 'state', 'm.room.topic')),
  'GET /rooms/:roomId/state/:eventType/:stateKey': ofRoom(
    (roomId) => `${path('rooms', roomId, 'state', 'm.room.topic', '')}?format=event`,
  ),
  'GET /rooms/:roomId/members': ofRoom((roomId) => path('rooms', roomId, 'members')),
  'GET /rooms/:roomId/joined_members': async (viewer, scene) => {
    const answer = await viewer.ask('GET', path('rooms', scene.roomId, 'joined_members'));
    return wrongStatus(answer, scene.expected.isJoined);
  },
  'GET /notifications': async (viewer, scene) => {
    const answer = await viewer.ask('GET', `${path('notifications')}?limit=1000`);
    return [...wrongStatus(answer, true), ...leaks(answer, scene)];
  },
  'GET /rooms/:roomId/initialSync': roomSnapshot,
  'GET /initialSync': snapshot,
  'GET /events': stream,
  'GET /sync': sync,
};

/** Routes with answers of any shape that hold nothing of what was said in rooms, and why. */
export const WITHOUT_EVENTS: Readonly<Record<string, string>> = {
  'GET /versions': 'of the server',
  'GET /capabilities': 'of the server',
  'GET /thirdparty/protocols': 'of the server',
  'GET /admin/whois/:userId': 'connections of an account',
  'GET /profile/:userId': 'profiles are for all',
  'GET /profile/:userId/:keyName': 'profiles are for all',
  'GET /user/:userId/account_data/:type': 'the user’s own',
  'GET /user/:userId/rooms/:roomId/account_data/:type': 'the user’s own',
  'GET /user/:userId/rooms/:roomId/tags': 'the user’s own',
  'GET /user/:userId/filter/:filterId': 'the user’s own',
};

function oneEvent(where: (roomId: string, phase: Phase) => string): Probe {
  return async (viewer, scene) => {
    const wrong: string[] = [];
    for (const [index, phase] of scene.phases.entries()) {
      const answer = await viewer.ask('GET', where(scene.roomId, phase));
      const visible = scene.expected.sees(index);
      wrong.push(...wrongStatus(answer, visible).map((one) => `phase ${index}: ${one}`));
      if (visible && !answer.text.includes(phase.eventId)) wrong.push(`phase ${index} is not in the answer`);
      wrong.push(...leaks(answer, scene));
    }
    return wrong;
  };
}

/** Routes that answer for a room as a whole: its readers, with state of their time. */
function ofRoom(where: (roomId: string) => string): Probe {
  return async (viewer, scene) => {
    const answer = await viewer.ask('GET', where(scene.roomId));
    return [...wrongStatus(answer, scene.expected.mayRead), ...leaks(answer, scene)];
  };
}

async function messages(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const dir of ['b', 'f']) {
    const query = new URLSearchParams({ dir, limit: '100' });
    const answer = await viewer.ask('GET', `${path('rooms', scene.roomId, 'messages')}?${query}`);
    wrong.push(...wrongStatus(answer, scene.expected.mayRead), ...leaks(answer, scene));
    if (answer.status !== 200) continue;
    for (const word of visibleWords(scene))
      if (!answer.text.includes(`"${word}"`)) wrong.push(`${dir}: ${word} is missing`);
  }
  return wrong;
}

async function closest(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const hidden = scene.phases.filter((_, phase) => !scene.expected.sees(phase)).map(({ eventId }) => eventId);
  const wrong: string[] = [];
  const where = `/_matrix/client/v1/rooms/${encodeURIComponent(scene.roomId)}/timestamp_to_event`;
  for (const query of ['ts=0&dir=f', `ts=${Date.now() + 60_000}&dir=b`]) {
    const answer = await viewer.ask('GET', `${where}?${query}`);
    wrong.push(...wrongStatus(answer, scene.expected.mayRead));
    const found = isObject(answer.json) ? answer.json['event_id'] : undefined;
    if (hidden.includes(String(found))) wrong.push(`names a hidden event: ${found}`);
  }
  return wrong;
}

/** Syncs of the viewers, one for all rooms. */
const syncs = new WeakMap<Client, Promise<Answer>>();

async function sync(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 100 } } });
  const asked = syncs.get(viewer) ?? viewer.ask('GET', `${path('sync')}?${new URLSearchParams({ filter })}`);
  syncs.set(viewer, asked);
  const answer = await asked;
  const wrong = [...wrongStatus(answer, true), ...leaks(withoutFirstState(answer, scene.roomId), scene)];
  if (!scene.expected.isJoined) return wrong;
  // A timeline has no holes: what is told is the last stretch of what may be seen.
  for (let phase = scene.phases.length - 1; phase >= 0 && scene.expected.sees(phase); phase -= 1) {
    const word = scene.phases[phase]?.word ?? '';
    if (!answer.text.includes(`"${word}"`)) wrong.push(`${word} is missing`);
  }
  return wrong;
}

async function roomSnapshot(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const answer = await viewer.ask('GET', `${path('rooms', scene.roomId, 'initialSync')}?limit=100`);
  const wrong = [...wrongStatus(answer, scene.expected.mayRead), ...leaks(answer, scene)];
  if (answer.status !== 200) return wrong;
  for (const word of visibleWords(scene))
    if (!answer.text.includes(`"${word}"`)) wrong.push(`${word} is missing`);
  return wrong;
}

const snapshots = new WeakMap<Client, Promise<Answer>>();

async function snapshot(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const asked = snapshots.get(viewer) ?? viewer.ask('GET', `${path('initialSync')}?limit=100&archived=true`);
  snapshots.set(viewer, asked);
  const answer = await asked;
  return [...wrongStatus(answer, true), ...leaks(answer, scene)];
}

/** From before everything that happened in any of the rooms. */
async function stream(viewer: Client, scene: Scene): Promise<readonly string[]> {
  const wrong: string[] = [];
  const texts: string[] = [];
  let from = scene.before;
  for (;;) {
    const query = new URLSearchParams({ room_id: scene.roomId, from, timeout: '0' });
    const answer = await viewer.ask('GET', `${path('events')}?${query}`);
    wrong.push(...wrongStatus(answer, scene.expected.mayLookIn), ...leaks(answer, scene));
    const { chunk, end } = isObject(answer.json) ? answer.json : {};
    if (!Array.isArray(chunk) || chunk.length === 0) break;
    texts.push(answer.text);
    from = String(end);
  }
  const all = texts.join('');
  if (scene.expected.mayLookIn)
    for (const word of visibleWords(scene)) if (!all.includes(`"${word}"`)) wrong.push(`${word} is missing`);
  // The stream of everything tells what happened while one was there.
  const everything = await streamed(viewer, scene.before);
  return [...wrong, ...leaks(everything, scene)];
}

const streams = new Map<string, Promise<Answer>>();

async function streamed(viewer: Client, from: string): Promise<Answer> {
  const query = new URLSearchParams({ from, timeout: '0' });
  const asked = streams.get(from) ?? viewer.ask('GET', `${path('events')}?${query}`);
  streams.set(from, asked);
  return asked;
}

/** A timeline begins with the state before its first event, whoever could see the events that made it so. */
function withoutFirstState(answer: Answer, roomId: string): Answer {
  const text = JSON.stringify(answer.json, (key, value: unknown) =>
    key === roomId && isObject(value) ? { ...value, state: undefined } : value,
  );
  return { ...answer, text };
}

function wrongStatus(answer: Answer, allowed: boolean): readonly string[] {
  const right = allowed ? answer.status === 200 : answer.status === 403 || answer.status === 404;
  return right ? [] : [`answers ${answer.status} where ${allowed ? 'it may be' : 'nothing may be'} seen`];
}

function leaks(answer: Answer, scene: Scene): readonly string[] {
  return hiddenWords(scene)
    .filter((word) => answer.text.includes(word))
    .map((word) => `tells ${word}`);
}
