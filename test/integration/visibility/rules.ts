/**
 * What the spec says of who sees what (client-server API, "Room history visibility", "Server behaviour"), written
 * down once more, for a table of settings and histories. Nothing of the server's own code is used.
 */

/** A value of `history_visibility`; the last is one that nobody understands, and stands for `shared`. */
export type Setting = 'world_readable' | 'shared' | 'invited' | 'joined' | 'org.example.odd';

/** How a room's setting goes: that of its first phase, and that of all later ones. */
export type Settings = readonly [first: Setting, later: Setting];

/** The settings of the table: five that stay, and four that change. */
export const settings: readonly Settings[] = [
  ['world_readable', 'world_readable'],
  ['shared', 'shared'],
  ['invited', 'invited'],
  ['joined', 'joined'],
  ['org.example.odd', 'org.example.odd'],
  ['joined', 'world_readable'],
  ['world_readable', 'joined'],
  ['shared', 'joined'],
  ['joined', 'shared'],
];

/** Something that happens to the one who looks on, between two phases of a room. */
export type Action = 'invite' | 'join' | 'leave' | 'kick' | 'ban' | 'knock' | 'forget' | 'nothing';

/** Histories of one user in a room: an action after each phase but the last. */
export const histories: Readonly<Record<string, readonly Action[]>> = {
  'never was there': ['nothing', 'nothing'],
  joins: ['join', 'nothing'],
  'joins late': ['nothing', 'join'],
  'is invited and stays so': ['invite', 'nothing'],
  'is invited, then joins': ['invite', 'join'],
  'rejects an invitation': ['invite', 'leave'],
  'joins and leaves': ['join', 'leave'],
  'is kicked': ['join', 'kick'],
  'is banned': ['join', 'ban'],
  'is banned from outside': ['ban', 'nothing'],
  'comes back': ['join', 'leave', 'join'],
  knocks: ['knock', 'nothing'],
  'knocks, is invited and joins': ['knock', 'invite', 'join'],
  'leaves and forgets': ['join', 'leave', 'forget'],
  'forgets and comes back': ['join', 'leave', 'forget', 'join'],
};

const MEMBERSHIP: Readonly<Partial<Record<Action, string>>> = {
  invite: 'invite',
  join: 'join',
  leave: 'leave',
  kick: 'leave',
  ban: 'ban',
  knock: 'knock',
};

/** What one user may see of a room after a history. */
export class Expected {
  readonly settings: Settings;
  /** The membership in each phase, `none` before there was any. */
  readonly memberships: readonly string[];
  /** Whether the room is forgotten in the end. */
  readonly forgotten: boolean;

  constructor(rooms: Settings, actions: readonly Action[]) {
    this.settings = rooms;
    const memberships = ['none'];
    for (const action of actions) memberships.push(MEMBERSHIP[action] ?? memberships.at(-1) ?? 'none');
    this.memberships = memberships;
    this.forgotten =
      actions.lastIndexOf('forget') > Math.max(...STAYS.map((one) => actions.lastIndexOf(one)));
  }

  /** The rules 1 to 5, for a message of a phase. */
  sees(phase: number): boolean {
    const setting = this.settingOf(phase);
    if (setting === 'world_readable') return true;
    if (this.forgotten) return false;
    const membership = this.memberships[phase];
    if (membership === 'join') return true;
    if (setting === 'invited') return membership === 'invite';
    if (setting === 'joined') return false;
    return this.memberships.slice(phase + 1).includes('join');
  }

  private settingOf(phase: number): Setting {
    return phase === 0 ? this.settings[0] : this.settings[1];
  }

  /** Whether anybody may look in now. */
  private get isOpen(): boolean {
    return this.settingOf(this.memberships.length - 1) === 'world_readable';
  }

  /** Whether the user is joined in the end. */
  get isJoined(): boolean {
    return this.memberships.at(-1) === 'join';
  }

  /** Whether the room may be followed as it goes on: members, and all if it is open. */
  get mayLookIn(): boolean {
    return this.isOpen || this.isJoined;
  }

  /** Whether what is about a room as a whole answers this user: members, former ones, and all if it is open. */
  get mayRead(): boolean {
    if (this.isOpen) return true;
    return !this.forgotten && this.memberships.includes('join');
  }

  /** The phases whose state this user may be shown as state. */
  get statePhases(): readonly number[] {
    const last = this.memberships.length - 1;
    const open = this.isOpen ? [last] : [];
    if (this.forgotten) return open;
    const phases = this.memberships.flatMap((membership, phase) => (membership === 'join' ? [phase] : []));
    // Who joins sees the state as it then is, and stripped state is of before an invitation or a knock.
    const before = this.memberships.flatMap((membership, phase) =>
      ['join', 'invite', 'knock'].includes(membership) ? [phase - 1] : [],
    );
    return [...new Set([...open, ...phases, ...before])].filter((phase) => phase >= 0 && phase <= last);
  }
}

/** What ends forgetting. */
const STAYS: readonly Action[] = ['join', 'invite', 'knock'];
