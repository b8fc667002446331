import {
  appearing,
  deactivating,
  inviting,
  loggingOut,
  moderating,
  naming,
  newPassword,
  refreshing,
  registering,
  renaming,
  upgrading,
} from './ways/accounts.ts';
import type { Hands } from './ways/hands.ts';
import { aliasing, chatting, forgetting, publishing, reading, typing } from './ways/rooms.ts';
import { filtering, keeping, ruling } from './ways/values.ts';

/** How records of some types come onto a log in real use. */
export interface Way {
  /** Names of files in `schemas/`. */
  readonly causes: readonly string[];
  /** What somebody does. */
  readonly what: string;
  /** Does it, with people and rooms of its own. Absent where the server's start does it by itself. */
  readonly act?: (hands: Hands) => Promise<void>;
  /** Settings that a server needs for it, on top of those of tests: it is started anew with them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Set where it takes the command line, which costs a process: it is done once, not over and over. */
  readonly once?: true;
}

/**
 * A real way to cause records of every type in `schemas/`. A new record type needs an entry here: without one
 * `rebuild.test.ts` fails, for no record of it is on the log.
 */
export const ways: readonly Way[] = [
  { causes: ['claim', 'schema', 'content_key'], what: 'the start of an owner, and its first records' },
  { causes: ['user_registered', 'device_added'], what: 'somebody registers', act: registering },
  {
    causes: ['guest_upgraded'],
    what: 'a guest comes in, and stays under a password',
    act: upgrading,
    settings: { MILENA_GUESTS: 'on' },
    once: true,
  },
  { causes: ['device_removed'], what: 'somebody logs in on a second device and out again', act: loggingOut },
  { causes: ['device_renamed'], what: 'somebody gives a device another name', act: renaming },
  {
    causes: ['device_tokens_set'],
    what: 'a client refreshes its token and uses the new one',
    act: refreshing,
  },
  {
    causes: ['profile_changed', 'profile_told'],
    what: 'somebody with a room takes a name and an avatar',
    act: naming,
  },
  { causes: ['room_event'], what: 'a room with everything that is done in rooms', act: chatting },
  {
    causes: ['saga_started', 'alias_reserved', 'alias_set', 'room_listed', 'saga_ended'],
    what: 'somebody makes a public room with an alias',
    act: publishing,
  },
  { causes: ['room_forgotten'], what: 'somebody leaves a room and forgets it', act: forgetting },
  { causes: ['alias_removed'], what: 'somebody gives a room an alias and takes it away', act: aliasing },
  { causes: ['account_data_set'], what: 'somebody keeps account data and a tag', act: keeping },
  { causes: ['filter_set'], what: 'a client stores a filter', act: filtering },
  { causes: ['push_rules_set'], what: 'somebody makes a push rule and switches it off', act: ruling },
  { causes: ['receipt_set'], what: 'somebody reads', act: reading },
  { causes: ['presence'], what: 'somebody says what they are doing', act: appearing },
  { causes: ['typing'], what: 'somebody begins to type and stops', act: typing },
  { causes: ['password_changed'], what: 'the operator sets a password', act: newPassword, once: true },
  {
    causes: ['user_deactivated', 'account_closed'],
    what: 'the operator ends the account of somebody with a room',
    act: deactivating,
    once: true,
  },
  {
    causes: ['user_locked', 'user_suspended'],
    what: 'an administrator locks and suspends somebody, and thinks better of it',
    act: moderating,
    once: true,
  },
  {
    causes: [
      'registration_token_made',
      'registration_token_used',
      'registration_token_returned',
      'registration_token_removed',
    ],
    what: 'two with one registration token want the same name',
    act: inviting,
    settings: { MILENA_REGISTRATION: 'token' },
    once: true,
  },
];
