import type { FederationForm } from '../../projections/sync/federation-form.ts';
import type { SyncService } from '../../projections/sync/service.ts';
import type { Config } from '../config/config.ts';
import type { RoomId, ServerName, UserId } from '../matrix/identifiers.ts';
import type { Presence, PresenceState } from '../matrix/presence.ts';
import type { Signer } from '../matrix/signing.ts';
import type { CommandBus } from '../owner/commands.ts';
import type { SessionStore } from '../sessions/port.ts';
import type { AccountReads, Session } from './reads/account-reads.ts';
import type { DirectoryReads } from './reads/directory-reads.ts';
import type { NotificationReads } from './reads/notification-reads.ts';
import type { ReadGate } from './reads/read-gate.ts';
import type { RoomReads } from './reads/room-reads.ts';
import type { TimelineReads } from './reads/timeline-reads.ts';

/** The settings that HTTP needs; a `Config` is one. */
export type HttpSettings = Pick<
  Config,
  | 'publicUrl'
  | 'registration'
  | 'registrationTerms'
  | 'guests'
  | 'recaptchaSiteKey'
  | 'recaptchaSecretKey'
  | 'recaptchaVerifyUrl'
  | 'accessTokenLifetime'
  | 'loginTokenLifetime'
  | 'registrationSharedSecret'
  | 'rateLimits'
  | 'rateLoginAccount'
  | 'rateLoginAddress'
  | 'rateRegistration'
  | 'rateSend'
  | 'rateMembership'
  | 'rateNotice'
  | 'rateLookup'
  | 'rateCreateRoom'
  | 'rateProfile'
  | 'rateRequest'
  | 'rateDevice'
  | 'rateAddress'
  | 'rateExceptions'
  | 'defaultRoomVersion'
  | 'trustedProxies'
  | 'maxBodyBytes'
  | 'syncTimeout'
  | 'supportContacts'
  | 'supportPage'
>;

/** Hashes and checks passwords off the event loop; see `passwords.ts`. */
export interface PasswordHasher {
  /** A PHC string. @throws MilenaError UNAVAILABLE when too many wait. */
  hash(password: string): Promise<string>;
  /** `stored` undefined (no such user, no password) takes as long as any other and is false. */
  verify(password: string, stored: string | undefined): Promise<boolean>;
}

/** What is published to `ephemeral` when somebody types. */
export interface TypingNotice {
  readonly room_id: RoomId;
  readonly user_id: UserId;
  /** The device on which it is. */
  readonly device_id: string;
  readonly typing: boolean;
  /** When it ends by itself, milliseconds since the epoch. */
  readonly until: number;
}

/** What devices of this node do for their users' presence, and what is known of everybody's. */
export interface PresenceService {
  /** A device syncs and is to be seen so; call the result when it does no more. */
  syncing(session: Pick<Session, 'user_id' | 'device_id'>, state: 'online' | 'unavailable'): () => void;
  /** The user says so. Resolves when this node's own reads show it. */
  set(
    session: Pick<Session, 'user_id' | 'device_id'>,
    state: PresenceState,
    status: string | null,
  ): Promise<void>;
  /** The user's display name or avatar has changed. @param offset where that stands in `users`. */
  renamed(userId: UserId, offset: number): void;
  /** The user did something. */
  active(userId: UserId): void;
  /** Undefined when nothing is known. */
  of(userId: UserId): Presence | undefined;
}

/** The few calls of a structured logger (pino's) that HTTP makes. */
export interface HttpLogger {
  debug(facts: object, text: string): void;
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

/** The read models, by what is asked of them. */
export interface Reads {
  readonly accounts: AccountReads;
  readonly rooms: RoomReads;
  readonly timeline: TimelineReads;
  readonly directory: DirectoryReads;
  readonly notifications: NotificationReads;
}

/** Everything the public app needs from outside. `src/main` alone makes one; tests make one of fakes. */
export interface HttpDeps {
  readonly settings: HttpSettings;
  readonly serverName: ServerName;
  /** Milena's own version. */
  readonly version: string;
  readonly bus: CommandBus;
  readonly reads: Reads;
  readonly gate: ReadGate;
  /**
   * False while the read models are those of another version of the software: clients are told to come again.
   * Left out where that cannot be.
   */
  readonly serving?: () => boolean;
  /** Slots of the log: which partition a room or user is in. */
  readonly slots: number;
  /** Signs the create events of new rooms. */
  readonly signer: Signer;
  readonly passwords: PasswordHasher;
  /** What is neither on the log nor in a read model, shared by all nodes. */
  readonly sessions: SessionStore;
  /**
   * The position in a room (see `page-token.ts`) that a sync's token stands for; undefined when it is no token of
   * this server, or left out where there is no sync.
   */
  readonly placeOfSyncToken?: (token: string, roomId: RoomId) => Promise<number | undefined>;
  /** Answers syncs; left out where a test needs none. */
  readonly sync?: Pick<SyncService, 'collect' | 'check' | 'now' | 'room' | 'roomSince'>;
  /** The federation form of events, for filters that want it; left out where a test needs none. */
  readonly federationForm?: FederationForm;
  /** Undefined where the configuration has presence off. */
  readonly presence?: PresenceService | undefined;
  /** Publishes typing on the log; resolves when the log has it. */
  readonly publishTyping: (notice: TypingNotice) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  readonly logger: HttpLogger;
  /** Empty when this node can serve; else why not, one sentence each. For `/_milena/ready`. */
  readonly unready: () => Promise<readonly string[]>;
}
