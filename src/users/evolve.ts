import type { Records } from '../log/records.ts';
import type { UserFact } from './decide.ts';
import { NO_FIELDS, withField } from './profile-size.ts';
import type { User } from './user.ts';

/** What a user is after a fact. */
export function evolveUser(user: User, fact: UserFact): User {
  switch (fact.type) {
    case 'user_registered':
      return { ...user, exists: true, kind: fact.value.kind, admin: fact.value.admin };
    case 'guest_upgraded':
      return { ...user, kind: 'user' };
    case 'device_added':
      return withTokens(user, fact.value.device_id, [fact.value]);
    case 'device_tokens_set':
      return withTokens(user, fact.value.device_id, fact.value.tokens);
    case 'device_removed': {
      const devices = new Map(user.devices);
      for (const id of fact.value.devices) devices.delete(id);
      return { ...user, devices };
    }
    case 'user_deactivated': {
      const profile = fact.value.erase ? NO_FIELDS : user.profile;
      return { ...user, deactivated: true, devices: new Map(), profile };
    }
    case 'user_locked':
      return { ...user, locked: fact.value.locked };
    case 'user_suspended':
      return { ...user, suspended: fact.value.suspended };
    case 'device_renamed':
    case 'account_closed':
    case 'password_changed':
      return user;
    case 'profile_changed':
      return { ...user, profile: withField(user.profile, fact.value.field, fact.value.sealed) };
  }
}

type RecordedTokens = Records['device_tokens_set']['tokens'][number];

function withTokens(user: User, deviceId: string, tokens: readonly RecordedTokens[]): User {
  const known = tokens.map(({ token_hash, refresh_hash, expires_at }) => ({
    token_hash: Buffer.from(token_hash).toString('hex'),
    refresh_hash: refresh_hash === null ? null : Buffer.from(refresh_hash).toString('hex'),
    expires_at,
  }));
  return { ...user, devices: new Map(user.devices).set(deviceId, known) };
}
