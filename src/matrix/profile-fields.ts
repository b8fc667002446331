/** The fields of a profile that membership events show (spec: "Events on Change of Profile Information"). */
const SHOWN_IN_ROOMS: readonly string[] = ['displayname', 'avatar_url'];

/** Whether rooms are told of a field: it stands in the user's membership events. */
export function isShownInRooms(field: string): boolean {
  return SHOWN_IN_ROOMS.includes(field);
}
