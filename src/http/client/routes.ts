import type { App, ClientContext } from '../context.ts';
import { accountClosingRoutes } from './account-closing.ts';
import { accountDataRoutes } from './account-data.ts';
import { accountModerationRoutes } from './account-moderation.ts';
import { aliasRoutes } from './aliases.ts';
import { authFallbackRoutes } from './auth-fallback.ts';
import { capabilityRoutes } from './capabilities.ts';
import { createRoomRoutes } from './create-room.ts';
import { deviceRoutes } from './devices.ts';
import { contextRoutes } from './event-context.ts';
import { eventStreamRoutes } from './event-stream.ts';
import { filterRoutes } from './filters.ts';
import { initialSyncRoutes } from './initial-sync.ts';
import { joinRoutes } from './joining.ts';
import { loginRoutes } from './login.ts';
import { loginPageRoutes } from './login-page.ts';
import { loginTokenRoutes } from './login-token.ts';
import { logoutRoutes } from './logout.ts';
import { memberRoutes } from './members.ts';
import { membershipRoutes } from './membership.ts';
import { messageRoutes } from './messages.ts';
import { mutualRoomRoutes } from './mutual-rooms.ts';
import { notificationRoutes } from './notifications.ts';
import { openIdRoutes } from './openid.ts';
import { presenceRoutes } from './presence.ts';
import { profileRoutes } from './profile.ts';
import { publicRoomRoutes } from './public-rooms.ts';
import { pushRuleChangeRoutes } from './push-rule-changes.ts';
import { pushRuleRoutes } from './push-rules.ts';
import { receiptRoutes } from './receipts.ts';
import { refreshRoutes } from './refresh.ts';
import { registerRoutes } from './register.ts';
import { roomStateRoutes } from './room-state.ts';
import { sendRoutes } from './send.ts';
import { singleEventRoutes } from './single-event.ts';
import { supportRoutes } from './support.ts';
import { syncRoutes } from './sync.ts';
import { tagRoutes } from './tags.ts';
import { thirdPartyRoutes } from './third-party.ts';
import { typingRoutes } from './typing.ts';
import { versionRoutes } from './versions.ts';
import { whoamiRoutes } from './whoami.ts';
import { whoisRoutes } from './whois.ts';

/** Every module of the client-server API that is built, in the order of the spec. */
const MODULES: readonly ((app: App, context: ClientContext) => void)[] = [
  versionRoutes,
  supportRoutes,
  capabilityRoutes,
  loginRoutes,
  loginPageRoutes,
  loginTokenRoutes,
  refreshRoutes,
  logoutRoutes,
  registerRoutes,
  authFallbackRoutes,
  accountClosingRoutes,
  deviceRoutes,
  whoamiRoutes,
  filterRoutes,
  syncRoutes,
  eventStreamRoutes,
  initialSyncRoutes,
  sendRoutes,
  roomStateRoutes,
  memberRoutes,
  singleEventRoutes,
  messageRoutes,
  contextRoutes,
  createRoomRoutes,
  aliasRoutes,
  joinRoutes,
  membershipRoutes,
  publicRoomRoutes,
  mutualRoomRoutes,
  profileRoutes,
  presenceRoutes,
  typingRoutes,
  receiptRoutes,
  pushRuleRoutes,
  pushRuleChangeRoutes,
  notificationRoutes,
  accountDataRoutes,
  tagRoutes,
  thirdPartyRoutes,
  openIdRoutes,
  accountModerationRoutes,
  whoisRoutes,
];

/** Adds the client-server API. */
export function clientRoutes(app: App, context: ClientContext): void {
  for (const add of MODULES) add(app, context);
}
