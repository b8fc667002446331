import { MilenaError } from '../../errors/milena-error.ts';
import type { TopicName } from '../../log/topics.ts';
import type { Keys } from '../../rooms/decide.ts';
import type { AggregateKind } from '../aggregate-kind.ts';
import { roomKind } from './room-kind.ts';
import { serverKind } from './server-kind.ts';
import { userKind } from './user-kind.ts';
import { valuesKind } from './values-kind.ts';

/** The aggregate kinds by topic. */
export interface Kinds {
  of(topic: TopicName): AggregateKind<unknown>;
}

/** All kinds of aggregates, with the keys that rooms sign with. */
export function aggregateKinds(keys: Keys): Kinds {
  // The owner hands a kind only states that this kind itself has made.
  const kinds: readonly AggregateKind<unknown>[] = [roomKind(keys), userKind, valuesKind, serverKind];
  const byTopic = new Map<TopicName, AggregateKind<unknown>>(kinds.map((kind) => [kind.topic, kind]));
  return {
    of(topic) {
      const kind = byTopic.get(topic);
      if (kind === undefined) throw new MilenaError('INTERNAL', `no aggregates live on ${topic}`);
      return kind;
    },
  };
}
