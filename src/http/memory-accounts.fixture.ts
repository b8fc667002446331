import type { Records } from '../log/records.ts';
import { asUserId, type DeviceId, type UserId } from '../matrix/identifiers.ts';
import type { JsonValue } from '../matrix/json.ts';
import { parsePushRuleChanges } from '../matrix/push-rule-changes.ts';
import type { MemoryLog } from '../owner/memory-house.fixture.ts';
import type { AccountReads } from './reads/account-reads.ts';

/** The facts of one type, in log order. */
export function factsOf<T extends keyof Records>(
  log: MemoryLog,
  type: T,
): { readonly key: string; readonly value: Records[T] }[] {
  return log.records.flatMap(({ key, fact }) =>
    // The type says which value it is.
    fact.type === type ? [{ key, value: fact.value as Records[T] }] : [],
  );
}

/** The model of accounts, made anew from a log in memory at every question. */
export function memoryAccounts(log: MemoryLog): AccountReads {
  const account: AccountReads['account'] = async (userId) => {
    const registered = factsOf(log, 'user_registered').find(({ key }) => key === userId);
    if (registered === undefined) return undefined;
    const { admin } = registered.value;
    const upgraded = factsOf(log, 'guest_upgraded').find(({ key }) => key === userId);
    const { sealed } = upgraded?.value ?? registered.value;
    const deactivated = factsOf(log, 'user_deactivated').some(({ key }) => key === userId);
    return {
      user_id: userId,
      kind: upgraded === undefined ? registered.value.kind : 'user',
      admin,
      deactivated,
      locked: factsOf(log, 'user_locked').findLast(({ key }) => key === userId)?.value.locked ?? false,
      suspended:
        factsOf(log, 'user_suspended').findLast(({ key }) => key === userId)?.value.suspended ?? false,
      password_hash: JSON.parse(sealed ?? '').password_hash,
    };
  };
  return {
    account,
    session: async (hash) => {
      const device = devices(log).find((one) => one.hash === hash);
      const owner = device === undefined ? undefined : await account(device.user);
      if (device === undefined || owner === undefined) return undefined;
      const { kind, admin, locked, suspended } = owner;
      return {
        user_id: device.user,
        device_id: device.device as DeviceId,
        kind,
        admin,
        locked,
        suspended,
        expires_at: device.expires_at,
        unused: device.unused,
      };
    },
    refreshing: async (hash) => devices(log).find(({ refresh }) => refresh === hash)?.user,
    devices: async (userId) => {
      const own = devices(log).filter(({ user }) => user === userId);
      const ids = [...new Set(own.map(({ device }) => device))].sort();
      return ids.map((id) => ({ device_id: id as DeviceId, display_name: deviceName(log, userId, id) }));
    },
    profile: async (userId) => ((await account(userId)) === undefined ? undefined : profile(log, userId)),
    accountData: async (userId, roomId, type) =>
      factsOf(log, 'account_data_set').findLast(
        ({ value }) => value.user_id === userId && value.room_id === roomId && value.type === type,
      )?.value.sealed ?? undefined,
    pushRules: async (userId) =>
      parsePushRuleChanges(
        factsOf(log, 'push_rules_set').findLast(({ value }) => value.user_id === userId)?.value.sealed ??
          null,
      ),
    filter: async (userId, filterId) =>
      factsOf(log, 'filter_set').findLast(
        ({ value }) => value.user_id === userId && value.filter_id === filterId,
      )?.value.sealed ?? undefined,
  };
}

function profile(log: MemoryLog, userId: UserId) {
  const fields = new Map<string, JsonValue>();
  for (const { key, value } of factsOf(log, 'profile_changed')) {
    if (key !== userId) continue;
    if (value.sealed === null) fields.delete(value.field);
    else fields.set(value.field, JSON.parse(value.sealed));
  }
  return Object.fromEntries(fields);
}

interface MemoryToken {
  readonly user: UserId;
  readonly device: string;
  readonly hash: string;
  readonly refresh: string | null;
  readonly expires_at: number | null;
  readonly unused: boolean;
}

/** Every token of every device, in the order in which devices got theirs. */
function devices(log: MemoryLog): readonly MemoryToken[] {
  let all: MemoryToken[] = [];
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const set = (user: UserId, device: string, tokens: Records['device_tokens_set']['tokens']) => {
    all = all.filter((one) => one.user !== user || one.device !== device);
    for (const [position, { token_hash, refresh_hash, expires_at }] of tokens.entries()) {
      const refresh = refresh_hash === null ? null : hex(refresh_hash);
      all.push({ user, device, hash: hex(token_hash), refresh, expires_at, unused: position > 0 });
    }
  };
  for (const { key, fact } of log.records) {
    if (fact.type === 'device_added') set(asUserId(key), fact.value.device_id, [fact.value]);
    else if (fact.type === 'device_tokens_set') set(asUserId(key), fact.value.device_id, fact.value.tokens);
    else if (fact.type === 'device_removed') {
      const gone = fact.value.devices;
      all = all.filter(({ user, device }) => user !== key || !gone.includes(device));
    }
  }
  return all;
}

function deviceName(log: MemoryLog, user: string, device: string): string | null {
  const named = log.records.findLast(
    ({ key, fact }) =>
      key === user &&
      (fact.type === 'device_added' || fact.type === 'device_renamed') &&
      fact.value.device_id === device,
  );
  const sealed = named !== undefined && 'sealed' in named.fact.value ? named.fact.value.sealed : null;
  return typeof sealed === 'string' ? JSON.parse(sealed).display_name : null;
}
