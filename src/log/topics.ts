/** The topics of the log (architecture, section 3). */
export const topics = {
  rooms: { writer: 'owner', kept: 'for good' },
  users: { writer: 'owner', kept: 'for good' },
  user_values: { writer: 'owner', kept: 'compacted' },
  server: { writer: 'owner', kept: 'for good' },
  content_keys: { writer: 'owner', kept: 'compacted' },
  to_device: { writer: 'any', kept: 'compacted' },
  ephemeral: { writer: 'any', kept: 'hours' },
  inbox: { writer: 'any', kept: 'until decided' },
} as const satisfies Record<string, { writer: 'owner' | 'any'; kept: string }>;

/** A topic's name. */
export type TopicName = keyof typeof topics;

/** All topics, in a fixed order: adapters number them by it, so it only ever grows at the end. */
export const topicNames: readonly TopicName[] = [
  'rooms',
  'users',
  'user_values',
  'server',
  'content_keys',
  'to_device',
  'ephemeral',
  'inbox',
];

/** The topics that a slot's owner alone writes, in the order in which a claim is written. */
export const ownedTopics: readonly TopicName[] = topicNames.filter((name) => topics[name].writer === 'owner');
