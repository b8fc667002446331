import { boolColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Projector, ProjectorContext, Statement } from '../framework/model.ts';
import { registrationTokenStatements } from './registration-tokens.ts';

/** What an alias is after a batch; null: free. */
type AliasRow = {
  readonly room_id: string;
  readonly creator: string | null;
  readonly saga: string | null;
  readonly log_offset: number;
} | null;

/** What a batch comes to: the last word about every key. */
interface Changes {
  readonly aliases: Map<string, AliasRow>;
  readonly listings: Map<string, boolean>;
  readonly schemas: Map<string, { readonly name: string; readonly schema: string }>;
}

/** Turns records of `server` into rows. Keeps nothing: every record says all about its key. */
export function directoryProjector({ schema }: ProjectorContext): Projector {
  return {
    apply: (records) => [
      ...statements(schema, changesOf(records)),
      ...registrationTokenStatements(schema, records),
    ],
    forget: () => undefined,
  };
}

function changesOf(records: readonly OpenedRecord[]): Changes {
  const changes: Changes = { aliases: new Map(), listings: new Map(), schemas: new Map() };
  for (const { key, fact, offset } of records) {
    switch (fact?.type) {
      case 'alias_reserved': {
        const { room_id, saga } = fact.value;
        changes.aliases.set(key, { room_id, creator: null, saga, log_offset: offset });
        break;
      }
      case 'alias_set': {
        const { room_id, creator } = fact.value;
        changes.aliases.set(key, { room_id, creator, saga: null, log_offset: offset });
        break;
      }
      case 'alias_removed':
        changes.aliases.set(key, null);
        break;
      case 'room_listed':
        changes.listings.set(fact.value.room_id, fact.value.visibility === 'public');
        break;
      case 'schema':
        changes.schemas.set(fact.value.fingerprint, fact.value);
        break;
      default:
        break;
    }
  }
  return changes;
}

function statements(schema: string, { aliases, listings, schemas }: Changes): readonly Statement[] {
  const made: Statement[] = [];
  const gone = [...aliases].filter(([, row]) => row === null).map(([alias]) => alias);
  if (gone.length > 0) {
    const text = `DELETE FROM ${schema}.aliases WHERE alias = ANY ($1::text[])`;
    made.push({ text, values: [textColumn(gone)] });
  }
  const set = [...aliases].flatMap(([alias, row]) => (row === null ? [] : [{ alias, ...row }]));
  if (set.length > 0) {
    made.push({
      text: `INSERT INTO ${schema}.aliases
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[])
        ON CONFLICT (alias) DO UPDATE SET room_id = EXCLUDED.room_id, creator = EXCLUDED.creator,
          saga = EXCLUDED.saga, log_offset = EXCLUDED.log_offset`,
      values: [
        textColumn(set.map((row) => row.alias)),
        textColumn(set.map((row) => row.room_id)),
        textColumn(set.map((row) => row.creator)),
        textColumn(set.map((row) => row.saga)),
        int8Column(set.map((row) => row.log_offset)),
      ],
    });
  }
  if (listings.size > 0) {
    made.push({
      text: `INSERT INTO ${schema}.listings SELECT * FROM unnest($1::text[], $2::bool[])
        ON CONFLICT (room_id) DO UPDATE SET public = EXCLUDED.public`,
      values: [textColumn([...listings.keys()]), boolColumn([...listings.values()])],
    });
  }
  if (schemas.size > 0) {
    made.push({
      text: `INSERT INTO ${schema}.schemas SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (fingerprint) DO NOTHING`,
      values: [
        textColumn([...schemas.keys()]),
        textColumn([...schemas.values()].map((row) => row.name)),
        textColumn([...schemas.values()].map((row) => row.schema)),
      ],
    });
  }
  return made;
}
