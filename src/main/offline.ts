import { CommandFailed, type House } from '../cli/house.ts';
import type { Config } from '../config/config.ts';
import type { SlotAssignment } from '../log/port.ts';
import { openHouse } from './open-house.ts';

/** Commands that only look: they own nothing and project nothing. */
const LOOKING = ['status', 'user list', 'token list', 'log export'];
/** The log must be claimed by nobody and read by no model: it is to be filled. */
const FILLING = 'log import';

/**
 * The house of a server that does not run: Postgres, log, owners and projectors in this process, for as long as
 * `work` takes. Where the log is shared and another node owns slots, this one takes none and projects nothing: its
 * commands go to the owners, so an owner that lives is neither fenced nor made to move.
 */
export async function withOffline<T>(
  config: Config,
  doing: string,
  work: (house: House) => Promise<T>,
): Promise<T> {
  const shared = config.postgresUrl !== undefined || config.log !== 'postgres';
  const looks = LOOKING.includes(doing) && shared;
  const fills = doing === FILLING;
  const acts = !fills && doing !== 'log export' && !looks;
  await using open = await openHouse(
    { ...config, logLevel: 'error' },
    { doing, owns: acts, projects: acts, manages: false, fills, node: () => 'http://127.0.0.1:0' },
  );
  if (fills) {
    if (shared) await refuseOwned(open.owners.assignment);
  } else {
    const owners = acts && shared ? await open.owners.assignment.owners(true) : [];
    const own = acts && owners.every((owner) => owner.node === undefined);
    // Where others are at work they project too, perhaps with another version, which is not to be switched here.
    const { built } = await open.start({ own, project: own });
    await built;
    if (own) await claimed(open.owners.assignment);
  }
  return await work(open.house);
}

/** A node that runs would be fenced, and go on serving if the import failed. */
async function refuseOwned(assignment: SlotAssignment): Promise<void> {
  const owner = (await assignment.owners(true)).find(({ node }) => node !== undefined);
  if (owner === undefined) return;
  throw new CommandFailed(`A server runs on this log (${owner.node}): stop it, and import into a new log.`);
}

/** How long the claims of all slots may take, milliseconds; then the work begins all the same. */
const CLAIMS_MS = 15_000;

/** Waits until every slot has an owner: what is asked then is the whole house. */
async function claimed(assignment: SlotAssignment): Promise<void> {
  const until = performance.now() + CLAIMS_MS;
  while (performance.now() < until) {
    const owners = await assignment.owners(true);
    if (owners.every((owner) => owner.epoch !== undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
