import type { ServerName } from './identifiers.ts';

/**
 * The grammar of server names (spec: appendices, "Server Name"). It stands apart from the other identifiers
 * because the literal forms of addresses take a page of their own.
 */

const DNS_NAME = /^[A-Za-z0-9.-]{1,255}$/;
const DOTTED_QUAD = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV6_CHARS = /^[0-9A-Fa-f:.]{2,45}$/;
const IPV6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PORT = /^\d{1,5}$/;

/** The server name, or undefined when `text` is none. Names are case-sensitive and are never altered. */
export function parseServerName(text: string): ServerName | undefined {
  // The cast: this is the one place that checks a server name.
  return isServerName(text) ? (text as ServerName) : undefined;
}

/** True when `text` is a host (DNS name, IPv4, or IPv6 in brackets) with an optional port. */
export function isServerName(text: string): boolean {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    return end > 0 && isIpv6(text.slice(1, end)) && isPortSuffix(text.slice(end + 1));
  }
  const colon = text.indexOf(':');
  if (colon < 0) return isHost(text);
  return isHost(text.slice(0, colon)) && isPortSuffix(text.slice(colon));
}

function isPortSuffix(suffix: string): boolean {
  return suffix === '' || (suffix.startsWith(':') && PORT.test(suffix.slice(1)));
}

function isHost(host: string): boolean {
  return DOTTED_QUAD.test(host) ? isIpv4(host) : DNS_NAME.test(host);
}

function isIpv4(host: string): boolean {
  return DOTTED_QUAD.test(host) && host.split('.').every((part) => Number(part) <= 255);
}

/** RFC 3513, section 2.2: eight groups, one `::` for the missing ones, the last two perhaps as IPv4. */
function isIpv6(host: string): boolean {
  if (!IPV6_CHARS.test(host)) return false;
  const halves = host.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const endsInIpv4 = last?.includes('.') === true && !host.endsWith('::');
  const hexGroups = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (endsInIpv4 && !isIpv4(last)) return false;
  if (!hexGroups.every((group) => IPV6_GROUP.test(group))) return false;
  const width = hexGroups.length + (endsInIpv4 ? 2 : 0);
  return halves.length === 2 ? width < 8 : width === 8;
}
