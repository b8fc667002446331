import type { ReadPosition } from '../log/port.ts';
import type { TopicName } from '../log/topics.ts';
import type { Pdu } from '../matrix/event.ts';
import type { EventId, RoomId, RoomVersionId } from '../matrix/identifiers.ts';

/**
 * How an owner loads aggregates: the read model at its checkpoint. The owner applies the log's tail itself.
 * Implemented by the projections; no other part of a read model is ever read to decide.
 */
export interface Loader {
  /** Where the models behind this topic stand in a partition: the last of them. */
  checkpoint(topic: TopicName, partition: number): Promise<ReadPosition>;
  /** A room at its model's checkpoint, undefined when the model does not know it. */
  room(roomId: RoomId): Promise<RoomSnapshot | undefined>;
  /**
   * Events by ID, content opened; IDs that are not known are left out. State events are whole; of others only
   * `type`, `sender` and `content` are promised.
   */
  events(roomId: RoomId, eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, Pdu>>;
  /** The facts about a user, in log order: enough to evolve the aggregate from nothing. */
  user(userId: string): Promise<UserSnapshot | undefined>;
  /** What an alias points to. */
  alias(alias: string): Promise<AliasSnapshot | undefined>;
  /** A registration token. @param tokenHash SHA-256, 64 hex digits. */
  registrationToken(tokenHash: string): Promise<RegistrationTokenSnapshot | undefined>;
  /** Whether the directory lists a room; undefined when it was never set. */
  listing(roomId: string): Promise<'public' | 'private' | undefined>;
  /** The receipts of a user in a room: `furthest` must never go back. */
  receipts(userId: string, roomId: string): Promise<readonly ReceiptSnapshot[]>;
  /** What a user has changed about the push rules. */
  pushRules(userId: string): Promise<PushRulesSnapshot>;
  /** Sagas begun and not ended, of a partition of `rooms`. */
  openSagas(partition: number): Promise<readonly SagaSnapshot[]>;
  /** Recorded results of the repeatable commands of one scope in a room: command ID (hex) → event ID. */
  commands(roomId: RoomId, scope: string): Promise<ReadonlyMap<string, EventId>>;
}

/** A room at a checkpoint. */
export interface RoomSnapshot {
  /** The first offset that is not in it. */
  readonly next: number;
  /** Undefined where only a saga has begun that is to make the room. */
  readonly version: RoomVersionId | undefined;
  readonly state: readonly {
    readonly type: string;
    readonly state_key: string;
    readonly event_id: EventId;
  }[];
  /** Forward extremities with their depths and, where events name others with it, their reference hashes. */
  readonly extremities: readonly {
    readonly event_id: EventId;
    readonly depth: number;
    readonly hash?: string;
  }[];
  /** The last live place given. */
  readonly place: number;
  /** The saga that makes the room, begun and not ended. */
  readonly saga: string | undefined;
}

/** A user at a checkpoint. */
export interface UserSnapshot {
  readonly next: number;
  readonly kind: 'user' | 'guest';
  readonly admin: boolean;
  readonly deactivated: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  /** Devices with their tokens, oldest first. */
  readonly devices: readonly (readonly [deviceId: string, tokens: readonly DeviceTokensSnapshot[]])[];
  /** The fields of the profile with the bytes of each value's JSON. */
  readonly profile: readonly (readonly [field: string, bytes: number])[];
}

/** The tokens of a device, by their SHA-256 (64 hex digits). */
export interface DeviceTokensSnapshot {
  readonly token_hash: string;
  readonly refresh_hash: string | null;
  readonly expires_at: number | null;
}

/** An alias at a checkpoint. */
export interface AliasSnapshot {
  readonly next: number;
  readonly room_id?: string;
  readonly creator?: string;
  /** The saga that holds it, when it is only reserved. */
  readonly saga?: string;
}

/** A registration token at a checkpoint. */
export interface RegistrationTokenSnapshot {
  readonly next: number;
  readonly uses: number;
  readonly uses_allowed: number | null;
  readonly expires_at: number | null;
}

/** A receipt at a checkpoint. */
export interface ReceiptSnapshot {
  readonly next: number;
  readonly receipt_type: string;
  readonly thread_id: string | null;
  readonly event_id: string;
  readonly place: number;
  readonly furthest_event_id: string;
  readonly furthest_place: number;
}

/** A user's push rules at a checkpoint. */
export interface PushRulesSnapshot {
  readonly next: number;
  /** As the record holds them (`schemas/push_rules_set.avsc`); null where nothing was ever changed. */
  readonly rules: string | null;
}

/** A saga that is not ended. */
export interface SagaSnapshot {
  readonly next: number;
  readonly room_id: string;
  readonly saga: string;
  readonly alias: string | null;
  /** The command as JSON. */
  readonly command: string;
}
