import type { UserFact } from './decide.ts';
import type { User } from './user.ts';

/** What a user is after a fact. */
export function evolveUser(user: User, fact: UserFact): User {
  switch (fact.type) {
    case 'user_registered':
      return { ...user, exists: true, kind: fact.value.kind, admin: fact.value.admin };
    case 'device_added':
      return { ...user, devices: new Set([...user.devices, fact.value.device_id]) };
    case 'device_removed': {
      const devices = new Set(user.devices);
      for (const id of fact.value.devices) devices.delete(id);
      return { ...user, devices };
    }
    case 'user_deactivated':
      return { ...user, deactivated: true, devices: new Set() };
    case 'user_locked':
      return { ...user, locked: fact.value.locked };
    case 'user_suspended':
      return { ...user, suspended: fact.value.suspended };
    case 'password_changed':
    case 'profile_changed':
      return user;
  }
}
