import { parseArgs } from 'node:util';

/** What was asked on the command line. */
export type Command =
  | { readonly name: 'help' | 'version' }
  | ({ readonly name: 'serve'; readonly roles: string | undefined } & Common)
  | ({ readonly name: 'config check' } & Common)
  | { readonly name: 'config example' }
  | ({ readonly name: 'status'; readonly json: boolean } & Common)
  | ({ readonly name: 'user add'; readonly user: string; readonly admin: boolean } & Common)
  | ({ readonly name: 'user list' } & Common)
  | ({ readonly name: 'user set-password'; readonly user: string; readonly keepDevices: boolean } & Common)
  | ({ readonly name: 'user deactivate'; readonly user: string } & Common)
  | ({
      readonly name: 'token add';
      readonly token: string | undefined;
      readonly uses: number | null;
      readonly days: number | null;
    } & Common)
  | ({ readonly name: 'token list' } & Common)
  | ({ readonly name: 'token remove'; readonly token: string } & Common)
  | ({ readonly name: 'rebuild'; readonly models: readonly string[]; readonly outdated: boolean } & Common)
  | ({ readonly name: 'log export' | 'log import'; readonly file: string } & Common);

/** Options of every command that needs the configuration. */
export interface Common {
  /** The YAML file. */
  readonly config: string | undefined;
  /** The internal address of a server elsewhere. */
  readonly server: string | undefined;
}

/** The command line is not understood; the command ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  config: { type: 'string', short: 'c' },
  server: { type: 'string' },
  roles: { type: 'string' },
  json: { type: 'boolean' },
  admin: { type: 'boolean' },
  'keep-devices': { type: 'boolean' },
  uses: { type: 'string' },
  days: { type: 'string' },
  outdated: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** Which options go with a command, beside `--config` and `--server`. */
const own: Readonly<Record<string, readonly (keyof typeof options)[]>> = {
  serve: ['roles'],
  status: ['json'],
  'user add': ['admin'],
  'user set-password': ['keep-devices'],
  'token add': ['uses', 'days'],
  rebuild: ['outdated'],
};

const withoutOperands = new Set([
  'serve',
  'config check',
  'config example',
  'user list',
  'token list',
  'status',
]);

/**
 * Understands the command line.
 * @param argv what follows the program's name.
 * @throws UsageError
 */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = split(argv);
  if (values.version) return { name: 'version' };
  const [first] = positionals;
  if (values.help || first === undefined || first === 'help') return { name: 'help' };
  const words = ['user', 'config', 'log', 'token'].includes(first) ? 2 : 1;
  const name = positionals.slice(0, words).join(' ');
  const operands = positionals.slice(words);
  for (const option of ['roles', 'json', 'admin', 'keep-devices', 'uses', 'days', 'outdated'] as const) {
    if (values[option] !== undefined && !own[name]?.includes(option)) {
      throw new UsageError(`--${option} does not go with "${name}"`);
    }
  }
  const common = { config: values.config, server: values.server };
  if (withoutOperands.has(name)) none(name, operands);
  return build(name, operands, values, common);
}

type Values = ReturnType<typeof split>['values'];

function split(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function build(name: string, operands: readonly string[], values: Values, common: Common): Command {
  switch (name) {
    case 'serve':
      return { name, ...common, roles: values.roles };
    case 'config check':
    case 'user list':
    case 'token list':
      return { name, ...common };
    case 'config example':
      return { name };
    case 'status':
      return { name, ...common, json: values.json ?? false };
    case 'user add':
      return { name, ...common, user: one(name, operands, 'NAME'), admin: values.admin ?? false };
    case 'user set-password': {
      const keepDevices = values['keep-devices'] ?? false;
      return { name, ...common, user: one(name, operands, 'NAME'), keepDevices };
    }
    case 'user deactivate':
      return { name, ...common, user: one(name, operands, 'NAME') };
    case 'token add': {
      if (operands.length > 1) throw new UsageError(`"${name}" takes one TOKEN at most`);
      const [token] = operands;
      const [uses, days] = [count('uses', values.uses), count('days', values.days)];
      return { name, ...common, token, uses, days };
    }
    case 'token remove':
      return { name, ...common, token: one(name, operands, 'TOKEN') };
    case 'rebuild':
      return { name, ...common, ...whatToRebuild(operands, values) };
    case 'log export':
    case 'log import':
      return { name, ...common, file: one(name, operands, 'FILE') };
    default:
      throw new UsageError(`there is no command "${name}"`);
  }
}

function whatToRebuild(models: readonly string[], { outdated = false, server }: Values) {
  if (outdated && models.length > 0) throw new UsageError('--outdated says which: name no read models');
  // This software's own versions are built by this process, over its own configuration.
  if (outdated && server !== undefined) throw new UsageError('--outdated does not go with --server');
  if (!outdated && models.length === 0) throw new UsageError('rebuild needs the names of read models');
  return { models, outdated };
}

function none(name: string, operands: readonly string[]): void {
  if (operands.length > 0) throw new UsageError(`"${name}" takes nothing more, not "${operands.join(' ')}"`);
}

/** A number of an option; null where it is not given. */
function count(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new UsageError(`--${option} needs a whole number from 1 on`);
  return Number(value);
}

function one(name: string, operands: readonly string[], what: string): string {
  const [operand] = operands;
  if (operand === undefined || operands.length > 1) throw new UsageError(`"${name}" needs one ${what}`);
  return operand;
}
