/**
 * What the commands ask of the server. Two stand behind it: `RemoteHouse` talks to the internal listener of a
 * running server; while none runs, `src/main/offline.ts` starts the pieces in this process. Neither ever takes a
 * slot from an owner that lives.
 */
export interface House {
  userAdd(request: NewUser): Promise<{ readonly userId: string }>;
  userList(): Promise<readonly UserRow[]>;
  /** Ends the user's sessions unless `keepDevices`. */
  userSetPassword(request: NewPassword): Promise<void>;
  userDeactivate(request: { readonly user: string }): Promise<void>;
  /** Makes a registration token, or sets the bounds of one that is there. */
  tokenAdd(request: NewToken): Promise<{ readonly token: string }>;
  tokenList(): Promise<readonly TokenRow[]>;
  /** @param request the token, or what `tokenList` shows of it. */
  tokenRemove(request: { readonly token: string }): Promise<void>;
  status(): Promise<HouseStatus>;
  /** Builds a model anew beside the old one and switches; ends when it is switched. */
  rebuild(model: string): AsyncIterable<RebuildProgress>;
  /** The whole log as a file: a JSON object a line (`docs/operate.md`). */
  exportLog(): AsyncIterable<Uint8Array>;
  /** Reads such a file into a log that is still empty. */
  importLog(source: AsyncIterable<Uint8Array>): Promise<{ readonly records: number }>;
}

/** An account to make. */
export interface NewUser {
  /** The localpart, or the whole user ID. */
  readonly user: string;
  readonly password: string;
  readonly admin: boolean;
}

/** A password to set. */
export interface NewPassword {
  /** The localpart, or the whole user ID. */
  readonly user: string;
  readonly password: string;
  readonly keepDevices: boolean;
}

/** A line of `milena user list`. */
export interface UserRow {
  readonly userId: string;
  readonly admin: boolean;
  readonly deactivated: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A registration token to make. */
export interface NewToken {
  /** Undefined: one is made up. */
  readonly token?: string | undefined;
  /** How many accounts it is good for; null: any number. */
  readonly uses: number | null;
  /** How many days it is good for; null: for good. */
  readonly days: number | null;
}

/** A line of `milena token list`: the token itself is stored nowhere. */
export interface TokenRow {
  /** The first 12 hex digits of its SHA-256. */
  readonly fingerprint: string;
  readonly uses: number;
  readonly usesAllowed: number | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null;
}

/** What `milena status` shows. */
export interface HouseStatus {
  readonly version: string;
  readonly serverName: string;
  /** Whether clients are served, and if not, why. */
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly slots: readonly SlotStatus[];
  readonly projectors: readonly ProjectorStatus[];
}

/** Who owns a slot. */
export interface SlotStatus {
  readonly slot: number;
  /** The owner's internal address; absent when nobody owns it. */
  readonly owner?: string;
  readonly epoch?: number;
}

/** How far a read model is. */
export interface ProjectorStatus {
  readonly model: string;
  readonly state: 'following' | 'paused' | 'building' | 'stopped';
  /** Records between the model and the end of the log, over all partitions. */
  readonly lagRecords: number;
  /** Age of the oldest of them; 0 when there is none. */
  readonly lagSeconds: number;
  /** Records that could not be applied; what follows them in their room waits. */
  readonly poison: readonly PoisonRecord[];
}

/** A record that a projector set aside. */
export interface PoisonRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly reason: string;
  /** Later records of the same key that wait for it. */
  readonly waiting: number;
}

/** How far a rebuild is. */
export interface RebuildProgress {
  readonly phase: 'building' | 'comparing' | 'switched';
  readonly records: number;
  /** Records to apply in all, as far as known. */
  readonly of: number;
}

/** The function that `src/main/offline.ts` exports: the house of a server that does not run. */
export type WithOffline<Config> = <T>(
  config: Config,
  doing: string,
  work: (house: House) => Promise<T>,
) => Promise<T>;

/** A failure whose message is all that the user needs; the command ends with code 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
