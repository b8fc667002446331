import type { TopicName } from '../log/topics.ts';
import { pushRulesKey } from '../users/values.ts';
import type { Command } from './commands.ts';
import { keyOfServerCommand } from './kinds/server-kind.ts';

/** What a command is about: the aggregate, and the key that settles its slot. */
export interface Subject {
  readonly topic: TopicName;
  /** The aggregate's key, unique within its topic. */
  readonly key: string;
  /** The key that is hashed to the slot (architecture, section 3: "partition by"). */
  readonly slotKey: string;
}

/** Names the aggregate that decides a command. */
export function subjectOf(command: Command): Subject {
  switch (command.kind) {
    case 'send_event':
    case 'create_room':
    case 'forget_room':
      return { topic: 'rooms', key: command.room_id, slotKey: command.room_id };
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
      return { topic: 'users', key: command.user_id, slotKey: command.user_id };
    case 'set_receipt': {
      const key = `${command.user_id}/receipt/${command.room_id}/`;
      return { topic: 'user_values', key, slotKey: command.user_id };
    }
    case 'set_push_rule':
    case 'delete_push_rule':
    case 'adjust_push_rule':
      return { topic: 'user_values', key: pushRulesKey(command.user_id), slotKey: command.user_id };
    case 'mark_profile_told':
    case 'set_account_data':
    case 'set_filter':
      return { topic: 'user_values', key: `${command.user_id}/values/`, slotKey: command.user_id };
    case 'set_alias':
    case 'remove_alias':
    case 'reserve_alias':
    case 'settle_alias':
    case 'list_room':
    case 'make_registration_token':
    case 'use_registration_token':
    case 'return_registration_token':
    case 'remove_registration_token': {
      const key = keyOfServerCommand(command);
      return { topic: 'server', key, slotKey: key };
    }
  }
}
