import type { Records } from '../log/records.ts';
import type {
  ConfirmTokens,
  MarkAccountClosed,
  RefreshTokens,
  RenameDevice,
} from '../owner/account-commands.ts';
import type {
  AddDevice,
  DeactivateUser,
  RegisterUser,
  RemoveDevices,
  RestrictUser,
  SetPassword,
  SetProfile,
  UpgradeGuest,
} from '../owner/commands.ts';
import { isTooLarge, withField } from './profile-size.ts';
import { decideConfirmation, decideRefresh, deviceAdded } from './tokens.ts';
import type { User } from './user.ts';

/** The commands that a user aggregate decides. */
export type UserCommand =
  | RegisterUser
  | UpgradeGuest
  | AddDevice
  | RefreshTokens
  | ConfirmTokens
  | RenameDevice
  | MarkAccountClosed
  | RemoveDevices
  | SetPassword
  | DeactivateUser
  | RestrictUser
  | SetProfile;

/** The record types of the aggregate. */
export type UserRecordType =
  | 'user_registered'
  | 'guest_upgraded'
  | 'password_changed'
  | 'user_deactivated'
  | 'user_locked'
  | 'user_suspended'
  | 'device_added'
  | 'device_tokens_set'
  | 'device_renamed'
  | 'account_closed'
  | 'device_removed'
  | 'profile_changed';

/** A fact about a user. */
export type UserFact = {
  [T in UserRecordType]: { readonly type: T; readonly value: Records[T] };
}[UserRecordType];

/**
 * What was decided: facts to append, or why not. `devices` are those that lose their access, `suspended` whether a new
 * one may do only little.
 */
export type UserDecision =
  | {
      readonly facts: readonly UserFact[];
      readonly devices?: readonly string[];
      readonly suspended?: boolean;
    }
  | {
      readonly refused:
        | 'USER_IN_USE'
        | 'USER_DEACTIVATED'
        | 'USER_LOCKED'
        | 'UNKNOWN_TOKEN'
        | 'NOT_FOUND'
        | 'PROFILE_TOO_LARGE';
    };

/** Decides a command about an account (spec: client-server API, "Account management"). */
export function decideUser(user: User, command: UserCommand): UserDecision {
  if (command.kind === 'register_user') {
    return user.exists ? { refused: 'USER_IN_USE' } : { facts: registration(command) };
  }
  if (!user.exists) return { refused: 'NOT_FOUND' };
  // A closed account is none to administrators any more (spec: "Server Administration").
  if (user.deactivated && command.kind === 'restrict_user') return { refused: 'NOT_FOUND' };
  if (command.kind === 'mark_account_closed') {
    const { rooms } = command;
    return { facts: user.deactivated ? [{ type: 'account_closed', value: { rooms } }] : [] };
  }
  if (user.deactivated && command.kind !== 'deactivate_user') return { refused: 'USER_DEACTIVATED' };
  switch (command.kind) {
    case 'upgrade_guest':
      return upgrade(user, command);
    case 'add_device':
      if (user.locked) return { refused: 'USER_LOCKED' };
      return { facts: [deviceAdded(command.device)], suspended: user.suspended };
    case 'refresh_tokens':
      return decideRefresh(user, command);
    case 'confirm_tokens':
      return decideConfirmation(user, command);
    case 'rename_device': {
      const { device_id, display_name } = command;
      if (!user.devices.has(device_id)) return { refused: 'NOT_FOUND' };
      const sealed = JSON.stringify({ display_name });
      return { facts: [{ type: 'device_renamed', value: { device_id, sealed } }] };
    }
    case 'remove_devices': {
      const devices = affected(user, command.devices, command.except);
      return { facts: removal(devices, command.reason), devices };
    }
    case 'set_password': {
      const devices = command.logout_devices ? affected(user, 'all', command.except) : [];
      const sealed = JSON.stringify({ password_hash: command.password_hash });
      const changed: UserFact = { type: 'password_changed', value: { sealed } };
      return { facts: [changed, ...removal(devices, 'password_changed')], devices };
    }
    case 'deactivate_user': {
      if (user.deactivated) return { facts: [], devices: [] };
      const value = { erase: command.erase, actor: command.actor };
      return { facts: [{ type: 'user_deactivated', value }], devices: [...user.devices.keys()] };
    }
    case 'restrict_user':
      return { facts: restriction(user, command) };
    case 'set_profile': {
      const { field, value } = command;
      const sealed = value === undefined ? null : JSON.stringify(value);
      if (sealed !== null && isTooLarge(withField(user.profile, field, sealed))) {
        return { refused: 'PROFILE_TOO_LARGE' };
      }
      return { facts: [{ type: 'profile_changed', value: { field, sealed } }] };
    }
  }
}

function registration(command: RegisterUser): readonly UserFact[] {
  const registered: UserFact = {
    type: 'user_registered',
    value: {
      kind: command.user_kind,
      admin: command.admin,
      terms: command.terms,
      sealed: JSON.stringify({ password_hash: command.password_hash }),
    },
  };
  return command.device === undefined ? [registered] : [registered, deviceAdded(command.device)];
}

/** Only who holds a token of the guest's, now, has a claim to the name. */
function upgrade(user: User, command: UpgradeGuest): UserDecision {
  if (user.kind !== 'guest') return { refused: 'USER_IN_USE' };
  if (user.locked) return { refused: 'USER_LOCKED' };
  const tokens = [...user.devices.values()].flat();
  if (!tokens.some(({ token_hash }) => token_hash === command.guest_hash))
    return { refused: 'UNKNOWN_TOKEN' };
  const sealed = JSON.stringify({ password_hash: command.password_hash });
  const upgraded: UserFact = { type: 'guest_upgraded', value: { terms: command.terms, sealed } };
  const device = command.device === undefined ? [] : [deviceAdded(command.device)];
  return { facts: [upgraded, ...device], suspended: user.suspended };
}

/** Nothing where it is so already. */
function restriction(user: User, command: RestrictUser): readonly UserFact[] {
  const { restriction: kind, applied, actor, reason } = command;
  const sealed = reason === null ? null : JSON.stringify({ reason });
  if (kind === 'lock') {
    return user.locked === applied
      ? []
      : [{ type: 'user_locked', value: { locked: applied, actor, sealed } }];
  }
  return user.suspended === applied
    ? []
    : [{ type: 'user_suspended', value: { suspended: applied, actor, sealed } }];
}

function removal(devices: readonly string[], reason: string): readonly UserFact[] {
  return devices.length === 0 ? [] : [{ type: 'device_removed', value: { devices, reason } }];
}

function affected(user: User, devices: readonly string[] | 'all', except?: string): readonly string[] {
  const wanted = devices === 'all' ? [...user.devices.keys()] : devices.filter((id) => user.devices.has(id));
  return wanted.filter((id) => id !== except);
}
