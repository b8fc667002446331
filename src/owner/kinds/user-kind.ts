import { MilenaError } from '../../errors/milena-error.ts';
import type { AnyFact } from '../../log/records.ts';
import { decideUser, type UserCommand, type UserFact } from '../../users/decide.ts';
import { evolveUser } from '../../users/evolve.ts';
import { NO_FIELDS } from '../../users/profile-size.ts';
import { NO_USER, type User } from '../../users/user.ts';
import type { AggregateKind } from '../aggregate-kind.ts';
import type { Command } from '../commands.ts';

/** Users as the owner runs them. */
export const userKind: AggregateKind<User> = {
  topic: 'users',
  async load(key, loader) {
    const snapshot = await loader.user(key);
    if (snapshot === undefined) return { state: NO_USER, next: 0 };
    const { next, devices, profile, ...account } = snapshot;
    const fields = profile.length === 0 ? NO_FIELDS : new Map(profile);
    return { state: { exists: true, ...account, devices: new Map(devices), profile: fields }, next };
  },
  spread: () => false,
  prepare: () => undefined,
  decide(user, command) {
    if (!isUserCommand(command)) throw new MilenaError('INTERNAL', `${command.kind} is not about a user`);
    const decision = decideUser(user, command);
    if ('refused' in decision) throw new MilenaError(decision.refused);
    return {
      facts: decision.facts.map((fact) => ({ ...fact, key: command.user_id })),
      result: {
        ...(decision.devices === undefined ? {} : { devices: decision.devices }),
        ...(decision.suspended === undefined ? {} : { suspended: decision.suspended }),
      },
    };
  },
  evolve: (user, fact) => (isUserFact(fact) ? evolveUser(user, fact) : user),
};

function isUserCommand(command: Command): command is UserCommand {
  switch (command.kind) {
    case 'register_user':
    case 'upgrade_guest':
    case 'add_device':
    case 'refresh_tokens':
    case 'confirm_tokens':
    case 'rename_device':
    case 'mark_account_closed':
    case 'remove_devices':
    case 'set_password':
    case 'deactivate_user':
    case 'restrict_user':
    case 'set_profile':
      return true;
    default:
      return false;
  }
}

function isUserFact(fact: AnyFact): fact is UserFact {
  switch (fact.type) {
    case 'user_registered':
    case 'guest_upgraded':
    case 'password_changed':
    case 'user_deactivated':
    case 'user_locked':
    case 'user_suspended':
    case 'device_added':
    case 'device_tokens_set':
    case 'device_renamed':
    case 'account_closed':
    case 'device_removed':
    case 'profile_changed':
      return true;
    default:
      return false;
  }
}
