import { registrationTokenKey } from '../log/resource-keys.ts';
import type { ClientContext } from './context.ts';
import type { RegistrationToken } from './reads/directory-reads.ts';

/** Whether a registration token may be used now, as far as the model knows; its owner decides when it is. */
export async function isValidToken(context: ClientContext, tokenHash: string): Promise<boolean> {
  const { freshness, reads, now } = context;
  const key = registrationTokenKey(tokenHash);
  await freshness.resource(key);
  const find = () => reads.directory.registrationToken(tokenHash);
  const token = await freshness.orLater('server', key, find);
  return token !== undefined && isUsable(token, now());
}

function isUsable({ uses, uses_allowed, expires_at }: RegistrationToken, now: number): boolean {
  return (uses_allowed === null || uses < uses_allowed) && (expires_at === null || now < expires_at);
}
