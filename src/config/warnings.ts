import { isIP } from 'node:net';
import type { Config } from './config.ts';

/** What is allowed but deserves a loud word at start: a text each. */
export function configWarnings(config: Config): readonly string[] {
  const warnings: string[] = [];
  if (config.registration === 'open' && !isLoopback(config.bind)) {
    warnings.push(
      `REGISTRATION IS OPEN on ${config.bind}: whoever reaches this address can make accounts, and ` +
        'spammers will. Set registration: closed unless you mean it.',
    );
  } else if (config.registration === 'open' && !isLoopbackUrl(config.publicUrl)) {
    warnings.push(`REGISTRATION IS OPEN and ${config.publicUrl} is public: spammers will make accounts.`);
  }
  if (!isLoopback(config.internalBind.host)) {
    warnings.push(
      `The internal listener is bound to ${config.internalBind.host}: only nodes of yours must reach it.`,
    );
  }
  if (!config.rateLimits && !isLoopback(config.bind)) {
    warnings.push('Rate limits are off on a public address: passwords can be guessed without end.');
  }
  return warnings;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  const ipv4 = bare.replace(/^::ffff:/, '');
  return isIP(ipv4) === 4 && ipv4.startsWith('127.');
}

function isLoopbackUrl(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}
