import { freshName, isObject, login, path, register, text } from '../../support/client.ts';
import { type Hands, put, succeeds } from './hands.ts';

/** Somebody registers. */
export async function registering({ http }: Hands): Promise<void> {
  await register(http, freshName('new'));
}

/** A guest comes in, and stays under a password. */
export async function upgrading({ http }: Hands): Promise<void> {
  const answer = await http.ask('POST', `${path('register')}?kind=guest`, { json: {} });
  const guest = isObject(answer.json) ? answer.json : {};
  const username = text(guest, 'user_id').slice(1).split(':')[0];
  const body = { username, password: 'no guest any more', guest_access_token: text(guest, 'access_token') };
  const upgraded = await http.ask('POST', path('register'), {
    json: { ...body, auth: { type: 'm.login.dummy' } },
  });
  if (upgraded.status !== 200) throw new Error(`the upgrade: ${upgraded.status} ${upgraded.text}`);
}

/** Somebody logs in on a second device, and out again. */
export async function loggingOut({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('device'), 'a password for two');
  const second = await login(http, user.userId, 'a password for two');
  await second.logout();
}

/** Somebody gives a device another name. */
export async function renaming({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('renaming'));
  await put(user, ['devices', user.deviceId], { display_name: 'The old telephone' });
}

/** A client refreshes its token and uses the new one. */
export async function refreshing({ http }: Hands): Promise<void> {
  const body = { username: freshName('refreshing'), password: 'a password of one', refresh_token: true };
  const answer = await http.ask('POST', path('register'), {
    json: { ...body, auth: { type: 'm.login.dummy' } },
  });
  const json = { refresh_token: text(isObject(answer.json) ? answer.json : {}, 'refresh_token') };
  const refreshed = await http.ask('POST', path('refresh'), { json });
  const token = text(isObject(refreshed.json) ? refreshed.json : {}, 'access_token');
  const { status } = await http.ask('GET', path('account', 'whoami'), { token });
  if (status !== 200) throw new Error(`the new token: ${status}`);
}

/** Somebody with a room takes a name and an avatar. */
export async function naming({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('named'));
  await user.createRoom();
  await put(user, ['profile', user.userId, 'displayname'], { displayname: `I am ${user.userId}` });
  await put(user, ['profile', user.userId, 'avatar_url'], { avatar_url: 'mxc://localhost/face' });
}

/** Somebody says what they are doing. */
export async function appearing({ http }: Hands): Promise<void> {
  const user = await register(http, freshName('seen'));
  await put(user, ['presence', user.userId, 'status'], { presence: 'online', status_msg: 'at work' });
}

/** The operator sets a password. */
export async function newPassword({ http, milena }: Hands): Promise<void> {
  const name = freshName('forgetful');
  await register(http, name, 'the first password');
  await succeeds(milena(['user', 'set-password', name], 'the second password\n'));
  await login(http, name, 'the second password');
}

/** The operator ends the account of somebody with a room. */
export async function deactivating({ http, milena }: Hands): Promise<void> {
  const name = freshName('leaving');
  await (await register(http, name)).createRoom();
  await succeeds(milena(['user', 'deactivate', name]));
}

/** An administrator locks and suspends somebody, and thinks better of it. */
export async function moderating({ http, milena }: Hands): Promise<void> {
  const [name, someone] = [freshName('admin'), freshName('moderated')];
  await succeeds(milena(['user', 'add', name, '--admin'], 'the password of power\n'));
  const admin = await login(http, name, 'the password of power');
  const { userId } = await register(http, someone);
  for (const what of ['lock', 'suspend'])
    for (const on of [true, false]) {
      const where = `/_matrix/client/v1/admin/${what}/${encodeURIComponent(userId)}`;
      await admin.get200('PUT', where, { json: { [`${what}ed`]: on } });
    }
}

/** The operator makes a token; two who have it want the same name at once; then the token is taken away. */
export async function inviting({ http, milena }: Hands): Promise<void> {
  const token = await succeeds(milena(['token', 'add', '--uses', '100']));
  for (let tries = 0; tries < 10; tries++) {
    const wanted = { username: freshName('invited'), password: 'a password of two' };
    const ask = (auth?: object) => http.ask('POST', path('register'), { json: { ...wanted, auth } });
    const sessions = [await ask(), await ask()].map(({ json }) =>
      text(isObject(json) ? json : {}, 'session'),
    );
    const answers = await Promise.all(
      sessions.map((session) => ask({ type: 'm.login.registration_token', token, session })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    if (statuses.join() !== '200,400') throw new Error(`two for one name: ${statuses}`);
  }
  await succeeds(milena(['token', 'remove', token]));
}
