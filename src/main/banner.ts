import { version } from '../config/version.ts';
import type { OpenHouse } from './open-house.ts';

/** What the start says: what it did, where the data lies, and what to do next. */
export function banner(house: OpenHouse, address: string | undefined, internal: string): string {
  const { core } = house;
  const { config, isNew, notes } = core;
  const lines = [
    '',
    `Milena ${version} is running${address === undefined ? '' : ` on ${address}`}.`,
    `  roles      ${config.roles.join(', ')}; internal listener ${internal}`,
    `  data       ${config.data}${isNew ? ' (made now)' : ''}`,
    `  log        ${config.log}, ${core.log.slots} slots${config.log === 'postgres' && core.lock !== undefined ? ', in the embedded Postgres' : ''}`,
    `  server     ${config.serverName}: part of every user ID, and for good`,
    ...[...notes, ...building(house)].map((note) => `  note       ${note}`),
  ];
  if (address !== undefined) lines.push(...nextSteps(config.registration, config.publicUrl));
  return `${lines.join('\n')}\n\n`;
}

function building({ models }: OpenHouse): readonly string[] {
  if (models.usable()) return [];
  return ['read models are being built for this version; clients are served when /_milena/ready says so'];
}

function nextSteps(registration: string, publicUrl: string): readonly string[] {
  return [
    '',
    registration === 'open'
      ? 'Registration is open. Or make a user:  npm run milena -- user add NAME --admin'
      : 'Make the first user:  npm run milena -- user add NAME --admin',
    `Then open a Matrix client, such as https://app.element.io, and enter ${publicUrl} as its homeserver.`,
    'Ctrl-C stops the server.',
  ];
}
