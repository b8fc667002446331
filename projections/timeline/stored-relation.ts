import { type Relation, relationOf } from '../../src/matrix/relations.ts';

/**
 * The relation in stored content, JSON of an object. Most have none, and are not parsed; content stands as its sender
 * wrote it, so an escape may hide the key.
 */
export function storedRelation(content: string): Relation | undefined {
  if (!content.includes('m.relates_to') && !content.includes('\\')) return undefined;
  return relationOf(JSON.parse(content));
}
