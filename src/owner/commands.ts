import type { DeviceId, EventId, RoomAlias, RoomId, RoomVersionId, UserId } from '../matrix/identifiers.ts';
import type { JsonObject, JsonValue } from '../matrix/json.ts';
import type { PushAction, PushCondition, PushRuleKind } from '../matrix/push-rules.ts';
import type { ConfirmTokens, MarkAccountClosed, RefreshTokens, RenameDevice } from './account-commands.ts';
import type {
  MakeRegistrationToken,
  RemoveRegistrationToken,
  UseRegistrationToken,
} from './registration-token-commands.ts';

/**
 * Commands: what API nodes ask owners to decide. They cross processes as JSON, so they hold plain values only.
 * A command goes to the owner of one slot, which `subjectOf` names.
 */

/** What every command carries; stamped once, at the API node. */
export interface CommandStamp {
  /** 32 hex digits; see `command-id.ts`. A repeated ID gets the recorded result. */
  readonly id: string;
  /** Milliseconds since the epoch at the API node: the event's `origin_server_ts`. */
  readonly at: number;
}

/** The device that asked, for the echo of its transaction ID. */
export interface Transaction {
  readonly device_id: DeviceId;
  readonly txn_id: string;
}

/** Any event into a room: message, state, membership or redaction. */
export interface SendEvent extends CommandStamp {
  readonly kind: 'send_event';
  readonly room_id: RoomId;
  readonly sender: UserId;
  readonly type: string;
  /** Present on state events. */
  readonly state_key?: string;
  /** The content as the client sent it: JSON of an object, already checked by `strict-json`. */
  readonly content: string;
  /** The event to redact, when `type` is `m.room.redaction`. */
  readonly redacts?: EventId;
  readonly transaction?: Transaction;
  /** Milliseconds since the epoch in place of `at`, for application services and tests. */
  readonly ts?: number;
  /** The sender is a guest, who joins only where guests may (spec: "Guest Access"). */
  readonly guest?: boolean;
  /** A user changes a member: refuse unless the target is now one of these, with this error code. */
  readonly expect_membership?: readonly ('invite' | 'join' | 'leave' | 'ban' | 'knock' | 'none')[];
}

/** One event of a new room, in the order of the spec. */
export interface InitialEvent {
  readonly type: string;
  readonly state_key: string;
  readonly content: JsonObject;
}

/** A new room (spec: client-server API, `POST createRoom`). Its create event is made at the API node. */
export interface CreateRoom extends CommandStamp {
  readonly kind: 'create_room';
  readonly room_id: RoomId;
  readonly room_version: RoomVersionId;
  readonly creator: UserId;
  /** The signed create event as JSON: it fixes the room ID, so that a retry makes the same room. */
  readonly create_event: string;
  /** All that follows the create event, the creator's join first. Invitations are last. */
  readonly events: readonly InitialEvent[];
  /** An alias that must be free and will point here. */
  readonly alias?: RoomAlias;
  /** Whether the public directory lists the room. */
  readonly visibility: 'public' | 'private';
}

/** A user who has left a room, or was banned from it, forgets it (spec: client-server API, `POST forget`). */
export interface ForgetRoom extends CommandStamp {
  readonly kind: 'forget_room';
  readonly room_id: RoomId;
  readonly user_id: UserId;
}

/** A new account, with its first device unless `inhibit_login`. */
export interface RegisterUser extends CommandStamp {
  readonly kind: 'register_user';
  readonly user_id: UserId;
  readonly user_kind: 'user' | 'guest';
  readonly admin: boolean;
  /** PHC string, null for an account without a password. */
  readonly password_hash: string | null;
  /** The documents that were accepted, each `<policy>/<version>`. */
  readonly terms: readonly string[];
  readonly device?: NewDevice;
}

/** A guest's account becomes an ordinary one (spec: client-server API, "Guest Access"). */
export interface UpgradeGuest extends Omit<RegisterUser, 'kind' | 'user_kind' | 'admin'> {
  readonly kind: 'upgrade_guest';
  /** SHA-256 of the access token that shows the guest, 64 hex digits. */
  readonly guest_hash: string;
}

/** A device and the hash of its access token. */
export interface NewDevice {
  readonly device_id: DeviceId;
  /** SHA-256 of the access token, 64 hex digits. The token itself never leaves the API node. */
  readonly token_hash: string;
  readonly display_name: string | null;
  readonly method: string;
  /** SHA-256 of the refresh token, 64 hex digits; null: there is none. */
  readonly refresh_hash: string | null;
  /** When the access token ends, milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
}

/** A login. An existing device of the same ID gets the new token and loses its old one. */
export interface AddDevice extends CommandStamp {
  readonly kind: 'add_device';
  readonly user_id: UserId;
  readonly device: NewDevice;
}

/** A logout. `all` takes every device but `except`. */
export interface RemoveDevices extends CommandStamp {
  readonly kind: 'remove_devices';
  readonly user_id: UserId;
  readonly devices: readonly DeviceId[] | 'all';
  readonly except?: DeviceId;
  readonly reason: string;
}

/** A new password. */
export interface SetPassword extends CommandStamp {
  readonly kind: 'set_password';
  readonly user_id: UserId;
  readonly password_hash: string;
  readonly logout_devices: boolean;
  readonly except?: DeviceId;
}

/** The end of an account. */
export interface DeactivateUser extends CommandStamp {
  readonly kind: 'deactivate_user';
  readonly user_id: UserId;
  readonly erase: boolean;
  readonly actor: string;
}

/** An administrator locks or suspends an account, or ends that. */
export interface RestrictUser extends CommandStamp {
  readonly kind: 'restrict_user';
  readonly user_id: UserId;
  readonly restriction: 'lock' | 'suspend';
  /** False ends it. */
  readonly applied: boolean;
  readonly actor: UserId;
  readonly reason: string | null;
}

/** A profile field; `value` undefined removes it. */
export interface SetProfile extends CommandStamp {
  readonly kind: 'set_profile';
  readonly user_id: UserId;
  readonly field: string;
  readonly value?: JsonValue;
}

/** A process manager has told a user's rooms of the profile, up to this offset of `users`. */
export interface MarkProfileTold extends CommandStamp {
  readonly kind: 'mark_profile_told';
  readonly user_id: UserId;
  readonly through: number;
}

/** Account data, global or of a room. */
export interface SetAccountData extends CommandStamp {
  readonly kind: 'set_account_data';
  readonly user_id: UserId;
  readonly room_id: RoomId | null;
  readonly type: string;
  /** JSON of an object, as it came. */
  readonly content: string;
}

/** A filter; the ID is made from its content. */
export interface SetFilter extends CommandStamp {
  readonly kind: 'set_filter';
  readonly user_id: UserId;
  readonly filter_id: string;
  readonly filter: string;
}

/** A push rule of the user's own, made or replaced (spec: client-server API, "Push Rules: API"). */
export interface SetPushRule extends CommandStamp {
  readonly kind: 'set_push_rule';
  readonly user_id: UserId;
  readonly rule_kind: PushRuleKind;
  readonly rule_id: string;
  readonly actions: readonly PushAction[];
  /** Of `override` and `underride` rules. */
  readonly conditions?: readonly PushCondition[];
  /** Of `content` rules. */
  readonly pattern?: string;
  /** The rule right behind which, in importance, it is to stand. */
  readonly after?: string;
  /** The rule right before which it is to stand. */
  readonly before?: string;
}

/** The end of a push rule of the user's own. */
export interface DeletePushRule extends CommandStamp {
  readonly kind: 'delete_push_rule';
  readonly user_id: UserId;
  readonly rule_kind: PushRuleKind;
  readonly rule_id: string;
}

/** Another `enabled` or other actions for a push rule, the server's own included. */
export interface AdjustPushRule extends CommandStamp {
  readonly kind: 'adjust_push_rule';
  readonly user_id: UserId;
  readonly rule_kind: PushRuleKind;
  readonly rule_id: string;
  readonly enabled?: boolean;
  readonly actions?: readonly PushAction[];
}

/** A read receipt or the fully-read marker. The API node has looked up the event's place. */
export interface SetReceipt extends CommandStamp {
  readonly kind: 'set_receipt';
  readonly user_id: UserId;
  readonly room_id: RoomId;
  readonly receipt_type: 'm.read' | 'm.read.private' | 'm.fully_read';
  readonly thread_id: string | null;
  readonly event_id: EventId;
  readonly place: number;
}

/** An alias for an existing room. The API node has checked the right to set it. */
export interface SetAlias extends CommandStamp {
  readonly kind: 'set_alias';
  readonly alias: RoomAlias;
  readonly room_id: RoomId;
  readonly creator: UserId;
}

/** Frees an alias. */
export interface RemoveAlias extends CommandStamp {
  readonly kind: 'remove_alias';
  readonly alias: RoomAlias;
  readonly actor: string;
}

/** A saga's step: hold an alias. Repeating it is harmless. */
export interface ReserveAlias extends CommandStamp {
  readonly kind: 'reserve_alias';
  readonly alias: RoomAlias;
  readonly room_id: RoomId;
  readonly saga: string;
}

/** A saga's step: make a held alias real, or let it go. Repeating it is harmless. */
export interface SettleAlias extends CommandStamp {
  readonly kind: 'settle_alias';
  readonly alias: RoomAlias;
  readonly room_id: RoomId;
  readonly saga: string;
  readonly outcome: 'set' | 'release';
  readonly creator: UserId;
}

/** Shows a room in the directory, or hides it. */
export interface ListRoom extends CommandStamp {
  readonly kind: 'list_room';
  readonly room_id: RoomId;
  readonly visibility: 'public' | 'private';
  readonly actor: string;
}

/** Every command. */
export type Command =
  | SendEvent
  | CreateRoom
  | ForgetRoom
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
  | SetProfile
  | MarkProfileTold
  | SetAccountData
  | SetFilter
  | SetPushRule
  | DeletePushRule
  | AdjustPushRule
  | SetReceipt
  | SetAlias
  | RemoveAlias
  | ReserveAlias
  | SettleAlias
  | ListRoom
  | MakeRegistrationToken
  | UseRegistrationToken
  | RemoveRegistrationToken;

/** The topic and partition written to, and the offset of the last record: a model that has applied it has the effect. */
export interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a command led to. */
export interface CommandResult {
  /** Where its last record stands, for reading one's own writes. */
  readonly written?: Written;
  /** Where the records of a saga's steps stand that other slots have written. */
  readonly alsoWritten?: readonly Written[];
  /** The event that a `send_event` made (or had made when the command was first seen). */
  readonly event_id?: EventId;
  /** Whether the user of an `add_device` is suspended: a login is possible then, little else. */
  readonly suspended?: boolean;
  /** Devices that `remove_devices`, `set_password` or `deactivate_user` removed. */
  readonly devices?: readonly string[];
}

/** Sends a command to its slot's owner, wherever that is. Rejects with a `MilenaError`. */
export interface CommandBus {
  execute(command: Command): Promise<CommandResult>;
}
