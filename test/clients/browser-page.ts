/** The page of the browser's trial: matrix-js-sdk in a page of another origin than the server's. */
import { createClient, type MatrixClient, RoomEvent } from 'matrix-js-sdk';

const place = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
};
const server = new URLSearchParams(location.search).get('server') ?? '';
let client: MatrixClient | undefined;
let room = '';

function show(text: string): void {
  const line = document.createElement('li');
  line.textContent = text;
  place('messages').append(line);
}

async function begin(userId: string, accessToken: string, deviceId: string): Promise<void> {
  client = createClient({ baseUrl: server, userId, accessToken, deviceId });
  client.on(RoomEvent.Timeline, (event, inside) => {
    if (event.getType() !== 'm.room.message' || inside === undefined) return;
    room = inside.roomId;
    show(String(event.getContent()['body']));
  });
  await client.startClient({ initialSyncLimit: 20 });
  place('status').textContent = `in as ${userId}`;
}

async function signUp(): Promise<void> {
  const anonymous = createClient({ baseUrl: server });
  const username = `browser-${Date.now().toString(36)}`;
  const auth = { type: 'm.login.dummy' };
  const made = await anonymous.registerRequest({ username, password: 'a password for the trial', auth });
  const session = [made.user_id, made.access_token ?? '', made.device_id ?? ''] as const;
  localStorage.setItem('session', JSON.stringify(session));
  await begin(...session);
}

async function send(): Promise<void> {
  if (client === undefined) return;
  if (room === '') room = (await client.createRoom({ name: 'From a page' })).room_id;
  const body = (place('text') as HTMLInputElement).value; // The page's own input.
  await client.sendTextMessage(room, body);
}

const say = (error: unknown): void => {
  place('status').textContent = `failed: ${String(error)}`;
};
place('up').addEventListener('click', () => void signUp().catch(say));
place('send').addEventListener('click', () => void send().catch(say));
const kept = localStorage.getItem('session');
if (kept !== null) begin(...(JSON.parse(kept) as [string, string, string])).catch(say); // As `signUp` has kept it.
