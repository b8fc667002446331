import { type Static, Type } from 'typebox';
import type { Presence } from '../matrix/presence.ts';

/** Presence as clients get it (spec: client-server API, `m.presence`). */
export const presenceSchema = Type.Object({
  presence: Type.Union([Type.Literal('online'), Type.Literal('unavailable'), Type.Literal('offline')]),
  last_active_ago: Type.Optional(Type.Integer()),
  currently_active: Type.Optional(Type.Boolean()),
  status_msg: Type.Optional(Type.String()),
});

/** The same in an event, which says who that is as well. */
export const presenceEventSchema = Type.Object({
  ...presenceSchema.properties,
  displayname: Type.Optional(Type.String()),
  avatar_url: Type.Optional(Type.String()),
});

/** @param now milliseconds since the epoch. */
export function presenceContent(shown: Presence, now: number): Static<typeof presenceSchema> {
  const { presence, active_at, currently_active, status_msg } = shown;
  return {
    presence,
    ...(active_at === undefined ? {} : { last_active_ago: Math.max(0, now - active_at) }),
    ...(presence === 'online' ? { currently_active } : {}),
    ...(status_msg === null ? {} : { status_msg }),
  };
}
