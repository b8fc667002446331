import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A user that Postgres runs as; undefined stands for the user who runs Milena. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user ID that Postgres gets when Milena is started by root on a machine without a user "milena". It lies in
 * a range that neither Debian nor systemd gives out. The server needs no entry in /etc/passwd (initdb does).
 */
export const numericUid = 60_800;

/**
 * Who runs Postgres. Postgres refuses to be root, so root lends it another user: whoever owns the database
 * already, else the owner of the data folder, else the user "milena", else `numericUid`. An ordinary user runs
 * it under the own name: undefined.
 */
export async function postgresAccount(folder: string, database: string): Promise<Account | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  for (const path of [database, folder]) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && found.uid !== 0) return { uid: found.uid, gid: found.gid };
  }
  return accountNamed('milena') ?? { uid: numericUid, gid: numericUid };
}

/**
 * Who runs initdb, which wants a user with a name: the account itself if it has one, else "nobody", who gets a
 * folder of its own for that moment.
 */
export function initdbAccount(account: Account): Account | undefined {
  const named = passwd().some((entry) => entry.uid === account.uid);
  return named ? account : accountNamed('nobody');
}

function accountNamed(name: string): Account | undefined {
  const entry = passwd().find((each) => each.name === name);
  return entry === undefined || entry.uid === 0 ? undefined : { uid: entry.uid, gid: entry.gid };
}

function passwd(): readonly (Account & { readonly name: string })[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 4)
      .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  } catch {
    return [];
  }
}
