import type { FastifyRequest, preHandlerHookHandler } from 'fastify';
import type { App } from './context.ts';
import { addressKey, type Limit, type RateLimits, type Take } from './rate-limits.ts';

/** What a route is limited as, beside the device and the address. */
type RouteLimit = Exclude<Limit, 'registration' | 'loginAccount' | 'loginAddress' | 'device' | 'address'>;

/**
 * Which routes are limited: those of which the spec says so, and those that write into rooms. By method, and path
 * behind the version. Logging in and registering count for themselves.
 */
const LIMITED: readonly (readonly [method: RegExp, path: RegExp, limit: RouteLimit])[] = [
  [/^PUT$/, /^\/rooms\/:\w+\/(send|state|redact)\//, 'send'],
  [/^POST$/, /^\/(join|knock)\/:\w+$/, 'membership'],
  [/^POST$/, /^\/rooms\/:\w+\/(join|invite|leave|forget|kick|ban|unban)$/, 'membership'],
  [/^POST$/, /^\/createRoom$/, 'createRoom'],
  [/^(PUT|DELETE)$/, /^\/profile\//, 'profile'],
  [/^POST$/, /^\/rooms\/:\w+\/(read_markers$|receipt\/)/, 'notice'],
  [/^PUT$/, /^\/rooms\/:\w+\/typing\//, 'notice'],
  [/^GET$/, /^\/rooms\/:\w+\/(aliases|hierarchy|threads|timestamp_to_event)$/, 'lookup'],
  [/^POST$/, /^\/rooms\/:\w+\/(report|upgrade)$/, 'request'],
  [/^(PUT|DELETE)$/, /^\/directory\//, 'request'],
  [/^(PUT|DELETE)$/, /^\/pushrules\//, 'request'],
  [/^PUT$/, /^\/presence\//, 'request'],
  [
    /^(POST|PUT|DELETE)$/,
    /^\/(user|users|pushers|devices|delete_devices|account|keys|room_keys)\b/,
    'request',
  ],
  [/^POST$/, /^\/(search|user_directory\/search|login\/get_token|refresh)$/, 'request'],
  [
    /^GET$/,
    /^\/(capabilities|account\/whoami|login|voip\/turnServer|mutual_rooms|register\/available)$/,
    'request',
  ],
  [/^GET$/, /^\/(room_keys\/|register\/m\.login\.registration_token\/validity)/, 'request'],
];

/** What a route is limited as; undefined where it is not, or counts for itself. @param url with its `:parameters`. */
export function limitOfRoute(method: string, url: string): RouteLimit | undefined {
  const path = url.replace(/^\/_matrix\/client\/(r0|v\d+|unstable\/[^/]+)/, '');
  return LIMITED.find(([methods, paths]) => methods.test(method) && paths.test(path))?.[2];
}

/**
 * Has every limited route that is added from now on take from its buckets: the user's, the device's and the address's.
 * What a route is limited as is looked up once, when it is added: other routes, a sync's among them, run nothing here.
 */
export function installRouteLimits(app: App, limits: RateLimits): void {
  app.addHook('onRoute', (route) => {
    // Several methods on one route are none of ours.
    const limit = typeof route.method === 'string' ? limitOfRoute(route.method, route.url) : undefined;
    if (limit === undefined) return;
    const take: preHandlerHookHandler = (request, _reply, done) => {
      try {
        limits.takeAll(takesOf(request, limit, limits));
        done();
      } catch (error) {
        done(error as Error); // Only `MilenaError`s are thrown there.
      }
    };
    route.preHandler = [take, ...[route.preHandler ?? []].flat()];
  });
}

function takesOf({ session, ip }: FastifyRequest, limit: RouteLimit, limits: RateLimits): readonly Take[] {
  const address: Take = { limit: 'address', key: addressKey(ip) };
  if (session === undefined) return [address];
  const { user_id, device_id } = session;
  const factor = limits.factorOf(user_id);
  // Whom the operator trusts may share an address with whomever.
  if (factor === 0) return [];
  const own: readonly Take[] = [
    { limit, key: user_id, factor },
    { limit: 'device', key: `${user_id} ${device_id}`, factor },
  ];
  return factor > 1 ? own : [...own, address];
}
