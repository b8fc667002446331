import { createHmac } from 'node:crypto';
import { Client, freshName, isObject, text } from './client.ts';
import type { Http } from './http.ts';

/** The shared secret of test servers that have administrators. */
const SECRET = 'a-shared-secret-of-the-tests-only';

/** Settings of a server on which `admin` works. */
export const WITH_ADMINS = { MILENA_REGISTRATION_SHARED_SECRET: SECRET } as const;

/** A new administrator with a device, made as existing tools do it. */
export async function admin(http: Http, username = freshName('admin')): Promise<Client> {
  const where = '/_synapse/admin/v1/register';
  const nonce = property((await http.ask('GET', where)).json, 'nonce');
  const password = 'a long enough password';
  const mac = createHmac('sha1', SECRET)
    .update([nonce, username, password, 'admin'].join('\0'))
    .digest('hex');
  const { json } = await http.ask('POST', where, { json: { nonce, username, password, admin: true, mac } });
  return new Client(http, {
    userId: property(json, 'user_id'),
    deviceId: property(json, 'device_id'),
    token: property(json, 'access_token'),
  });
}

function property(json: unknown, name: string): string {
  if (!isObject(json)) throw new Error(`no JSON object: ${JSON.stringify(json)}`);
  return text(json, name);
}
