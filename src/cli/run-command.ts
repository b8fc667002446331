import type { Config } from '../config/config.ts';
import { exampleYaml } from '../config/example.ts';
import { loadConfig } from '../config/load.ts';
import { version } from '../config/version.ts';
import { configWarnings } from '../config/warnings.ts';
import { isServerName } from '../matrix/server-name.ts';
import type { Command, Common } from './arguments.ts';
import { askPassword } from './ask-password.ts';
import { help } from './help.ts';
import type { House } from './house.ts';
import { exportTo, importFrom } from './log-files.ts';
import { withHouse } from './open-house.ts';
import { showStatus, table, troubles } from './show-status.ts';

/** Does what was asked. @returns the exit code. */
export async function runCommand(command: Command): Promise<number> {
  switch (command.name) {
    case 'help':
      return say(help);
    case 'version':
      return say(`milena ${version}\n`);
    case 'config example':
      return say(exampleYaml());
    case 'config check':
      return checkConfig(command);
    case 'serve': {
      const { serve } = await import('../main/serve.ts');
      return serve(configOf(command, command.roles));
    }
    case 'status':
      return onHouse(command, (house) => status(house, command.json));
    case 'user add':
      return userAdd(command);
    case 'user list':
      return onHouse(command, userList);
    case 'user set-password':
      return userSetPassword(command);
    case 'user deactivate':
      return onHouse(command, async (house) => {
        await house.userDeactivate({ user: command.user });
        return say(`${command.user} is deactivated.\n`);
      });
    case 'token add':
      return onHouse(command, async (house) => {
        const { uses, days } = command;
        const { token } = await house.tokenAdd({ token: command.token, uses, days });
        return say(`${token}\n`);
      });
    case 'token list':
      return onHouse(command, tokenList);
    case 'token remove':
      return onHouse(command, async (house) => {
        await house.tokenRemove({ token: command.token });
        return say('The registration token is removed.\n');
      });
    case 'rebuild':
      return command.outdated
        ? rebuildOutdated(configOf(command))
        : onHouse(command, (house) => rebuild(house, command.models));
    case 'log export':
      return onHouse(command, async (house) =>
        tell(`${await exportTo(house, command.file)} bytes written.\n`),
      );
    case 'log import':
      return onHouse(command, async (house) =>
        tell(`${await importFrom(house, command.file)} records read.\n`),
      );
  }
}

function configOf(common: Common, roles?: string): Config {
  const overrides = roles === undefined ? [] : [['roles', { texts: [roles], where: '--roles' }] as const];
  return loadConfig({ file: common.config, env: process.env, overrides: new Map(overrides), isServerName });
}

function onHouse(command: Command & Common, work: (house: House) => Promise<number>): Promise<number> {
  return withHouse(configOf(command), command.server, command.name, work);
}

function checkConfig(command: Common): number {
  const config = configOf(command);
  for (const warning of configWarnings(config)) tell(`Warning: ${warning}\n`);
  return say('The configuration is valid.\n');
}

async function status(house: House, json: boolean): Promise<number> {
  const current = await house.status();
  say(json ? `${JSON.stringify(current, null, 2)}\n` : showStatus(current));
  return current.ready && troubles(current).length === 0 ? 0 : 1;
}

async function userAdd(command: Command & { readonly name: 'user add' }): Promise<number> {
  const config = configOf(command);
  const password = await askPassword(`Password for ${command.user}`);
  const { user, admin } = command;
  return withHouse(config, command.server, command.name, async (house) => {
    const { userId } = await house.userAdd({ user, password, admin });
    return say(`${userId} is made${admin ? ', an administrator' : ''}.\n`);
  });
}

async function userSetPassword(command: Command & { readonly name: 'user set-password' }): Promise<number> {
  const config = configOf(command);
  const password = await askPassword(`New password for ${command.user}`);
  const { user, keepDevices } = command;
  return withHouse(config, command.server, command.name, async (house) => {
    await house.userSetPassword({ user, password, keepDevices });
    return say(`The password of ${user} is set${keepDevices ? '' : '; all sessions are ended'}.\n`);
  });
}

async function userList(house: House): Promise<number> {
  const rows = (await house.userList()).map((user) => [
    user.userId,
    new Date(user.createdAt).toISOString().slice(0, 10),
    [user.admin ? 'admin' : '', user.deactivated ? 'deactivated' : ''].filter(Boolean).join(', '),
  ]);
  return say(`${table(['user', 'since', ''], rows).join('\n')}\n`);
}

async function tokenList(house: House): Promise<number> {
  const rows = (await house.tokenList()).map(({ fingerprint, uses, usesAllowed, expiresAt }) => [
    fingerprint,
    usesAllowed === null ? String(uses) : `${uses} of ${usesAllowed}`,
    expiresAt === null ? '' : new Date(expiresAt).toISOString(),
  ]);
  return say(`${table(['token', 'used', 'until'], rows).join('\n')}\n`);
}

async function rebuild(house: House, models: readonly string[]): Promise<number> {
  for (const model of models) {
    for await (const { phase, records, of } of house.rebuild(model)) {
      tell(`${model}: ${phase}, ${records} of ${of} records\n`);
    }
  }
  return 0;
}

async function rebuildOutdated(config: Config): Promise<number> {
  const { buildBeside } = await import('../main/build-beside.ts');
  const built = await buildBeside(config, (line) => tell(`${line}\n`));
  if (built.length === 0) return say('The read models are of this version.\n');
  return say(`Built for this version: ${built.join(', ')}. Start it now: the old version serves no more.\n`);
}

/** The command's result: standard output, success. */
function say(text: string): 0 {
  process.stdout.write(text);
  return 0;
}

/** What goes on meanwhile: standard error, so that a result can be piped. */
function tell(text: string): 0 {
  process.stderr.write(text);
  return 0;
}
