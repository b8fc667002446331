import type { DeviceId, UserId } from '../matrix/identifiers.ts';
import type { CommandStamp } from './commands.ts';

/** New tokens for who has a refresh token. The old ones stay until one of the new is used. */
export interface RefreshTokens extends CommandStamp {
  readonly kind: 'refresh_tokens';
  readonly user_id: UserId;
  /** SHA-256 of the refresh token that was shown, 64 hex digits. */
  readonly shown_hash: string;
  readonly token_hash: string;
  readonly refresh_hash: string;
  readonly expires_at: number | null;
}

/** A new access token was used: those before it end. */
export interface ConfirmTokens extends CommandStamp {
  readonly kind: 'confirm_tokens';
  readonly user_id: UserId;
  readonly device_id: DeviceId;
  readonly token_hash: string;
}

/** Another name for a device. */
export interface RenameDevice extends CommandStamp {
  readonly kind: 'rename_device';
  readonly user_id: UserId;
  readonly device_id: DeviceId;
  readonly display_name: string;
}

/** All that follows from a deactivation is done. */
export interface MarkAccountClosed extends CommandStamp {
  readonly kind: 'mark_account_closed';
  readonly user_id: UserId;
  /** How many rooms were left. */
  readonly rooms: number;
}
