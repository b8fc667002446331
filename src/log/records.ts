/**
 * The records of the log as TypeScript values, one interface for each schema in `schemas/`. The documentation
 * of every field stands in the schema. A property named `sealed` is, once a record has been opened, its
 * plain text (`string`, JSON) or null where it was erased or never there.
 */

/** A room state as a record holds it. */
export interface StateRef {
  readonly root: Uint8Array | null;
  readonly partial: boolean;
  readonly base: Uint8Array | null;
  readonly changed: readonly StateChange[];
}

/** One entry of a state that differs from the base. */
export interface StateChange {
  readonly type: string;
  readonly state_key: string;
  readonly event_id: string | null;
}

/** Record types by name, with `sealed` opened. */
export interface Records {
  readonly claim: { readonly node: string; readonly software: string };
  readonly schema: { readonly fingerprint: string; readonly name: string; readonly schema: string };
  readonly content_key: {
    readonly nodes: readonly {
      readonly depth: number;
      readonly index: number;
      readonly nonce: Uint8Array;
      readonly wrapped: Uint8Array;
    }[];
    readonly master: string;
  };
  readonly room_event: RoomEventRecord;
  readonly room_forgotten: { readonly user_id: string; readonly membership_event: string };
  readonly saga_started: {
    readonly saga: string;
    readonly kind: 'create_room';
    readonly alias: string | null;
    readonly sealed: string | null;
  };
  readonly saga_ended: {
    readonly saga: string;
    readonly outcome: 'done' | 'undone';
    readonly error: string | null;
    readonly reason: string | null;
  };
  readonly user_registered: {
    readonly kind: 'user' | 'guest';
    readonly admin: boolean;
    readonly sealed: string | null;
    readonly terms: readonly string[];
  };
  readonly guest_upgraded: { readonly sealed: string | null; readonly terms: readonly string[] };
  readonly password_changed: { readonly sealed: string | null };
  readonly user_deactivated: { readonly erase: boolean; readonly actor: string };
  readonly user_locked: {
    readonly locked: boolean;
    readonly actor: string;
    readonly sealed: string | null;
  };
  readonly user_suspended: {
    readonly suspended: boolean;
    readonly actor: string;
    readonly sealed: string | null;
  };
  readonly device_added: {
    readonly device_id: string;
    readonly token_hash: Uint8Array;
    readonly method: string;
    readonly sealed: string | null;
    readonly refresh_hash: Uint8Array | null;
    readonly expires_at: number | null;
  };
  readonly device_tokens_set: {
    readonly device_id: string;
    readonly tokens: readonly {
      readonly token_hash: Uint8Array;
      readonly refresh_hash: Uint8Array | null;
      readonly expires_at: number | null;
    }[];
  };
  readonly account_closed: { readonly rooms: number };
  readonly device_renamed: { readonly device_id: string; readonly sealed: string | null };
  readonly device_removed: { readonly devices: readonly string[]; readonly reason: string };
  readonly profile_changed: { readonly field: string; readonly sealed: string | null };
  readonly profile_told: { readonly user_id: string; readonly through: number };
  readonly account_data_set: {
    readonly user_id: string;
    readonly room_id: string | null;
    readonly type: string;
    readonly sealed: string | null;
  };
  readonly filter_set: {
    readonly user_id: string;
    readonly filter_id: string;
    readonly sealed: string | null;
  };
  readonly push_rules_set: { readonly user_id: string; readonly sealed: string | null };
  readonly receipt_set: {
    readonly user_id: string;
    readonly room_id: string;
    readonly receipt_type: string;
    readonly thread_id: string | null;
    readonly event_id: string;
    readonly place: number;
    readonly furthest_event_id: string;
    readonly furthest_place: number;
    readonly ts: number;
  };
  readonly alias_reserved: { readonly saga: string; readonly room_id: string };
  readonly alias_set: { readonly room_id: string; readonly creator: string };
  readonly alias_removed: { readonly actor: string };
  readonly room_listed: {
    readonly room_id: string;
    readonly visibility: 'public' | 'private';
    readonly actor: string;
  };
  readonly registration_token_made: {
    readonly uses_allowed: number | null;
    readonly expires_at: number | null;
    readonly actor: string;
  };
  readonly registration_token_used: { readonly user_id: string; readonly uses: number };
  readonly registration_token_returned: { readonly user_id: string; readonly uses: number };
  readonly registration_token_removed: { readonly actor: string };
  readonly typing: {
    readonly room_id: string;
    readonly user_id: string;
    readonly typing: boolean;
    readonly until: number;
  };
  readonly presence: {
    readonly user_id: string;
    readonly node: string;
    readonly state: 'online' | 'unavailable' | 'offline';
    readonly active_at: number;
    readonly currently_active: boolean;
    readonly status: Uint8Array | null;
    readonly until: number;
    readonly profile: number;
  };
}

/** A decision about one event of a room; see `schemas/room_event.avsc`. */
export interface RoomEventRecord {
  readonly event_id: string;
  readonly room_version: string;
  readonly kind: 'event' | 'outlier' | 'backfilled';
  readonly verdict: 'accepted' | 'rejected' | 'soft_failed';
  readonly reason: string | null;
  readonly place: number;
  readonly skeleton: string;
  readonly sealed: string | null;
  readonly redacts: string | null;
  readonly before: StateRef;
  readonly after: StateRef | null;
  readonly current: StateRef | null;
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | null;
}

/** The name of a record type. */
export type RecordType = keyof Records;

/** A decoded and opened record of the given type. */
export interface Fact<T extends RecordType = RecordType> {
  readonly type: T;
  readonly value: Records[T];
}

/** Any decoded record: a union that `switch (fact.type)` narrows. */
export type AnyFact = { [T in RecordType]: Fact<T> }[RecordType];
