import { byteaColumn, int8Column } from '../framework/columns.ts';
import type { OpenedRecord, Statement } from '../framework/model.ts';

/** What a batch comes to for one registration token. */
interface TokenChange {
  /** It was removed; what follows is about one made anew. */
  readonly removed: boolean;
  readonly made?: { readonly uses_allowed: number | null; readonly expires_at: number | null };
  readonly uses?: number;
}

/** The writes for records about registration tokens. */
export function registrationTokenStatements(
  schema: string,
  records: readonly OpenedRecord[],
): readonly Statement[] {
  const changes = [...changesOf(records)];
  const gone = changes.filter(([, { removed }]) => removed);
  const made = changes.flatMap(([hash, { made: bounds }]) => (bounds ? [{ hash, ...bounds }] : []));
  const used = changes.flatMap(([hash, { uses }]) => (uses === undefined ? [] : [{ hash, uses }]));
  const statements: Statement[] = [];
  if (gone.length > 0) {
    const text = `DELETE FROM ${schema}.registration_tokens WHERE token_hash = ANY ($1::bytea[])`;
    statements.push({ text, values: [byteaColumn(gone.map(([hash]) => bytesOf(hash)))] });
  }
  if (made.length > 0) {
    statements.push({
      text: `INSERT INTO ${schema}.registration_tokens
        SELECT token_hash, 0, uses_allowed, expires_at
        FROM unnest($1::bytea[], $2::int8[], $3::int8[]) n(token_hash, uses_allowed, expires_at)
        ON CONFLICT (token_hash) DO UPDATE SET uses_allowed = EXCLUDED.uses_allowed,
          expires_at = EXCLUDED.expires_at`,
      values: [
        byteaColumn(made.map((row) => bytesOf(row.hash))),
        int8Column(made.map((row) => row.uses_allowed)),
        int8Column(made.map((row) => row.expires_at)),
      ],
    });
  }
  if (used.length > 0) {
    statements.push({
      text: `UPDATE ${schema}.registration_tokens t SET uses = n.uses
        FROM unnest($1::bytea[], $2::int8[]) n(token_hash, uses) WHERE t.token_hash = n.token_hash`,
      values: [byteaColumn(used.map((row) => bytesOf(row.hash))), int8Column(used.map((row) => row.uses))],
    });
  }
  return statements;
}

function changesOf(records: readonly OpenedRecord[]): ReadonlyMap<string, TokenChange> {
  const changes = new Map<string, TokenChange>();
  for (const { key, fact } of records) {
    const hash = key.slice(key.indexOf('/') + 1);
    const before = changes.get(hash) ?? { removed: false };
    switch (fact?.type) {
      case 'registration_token_made': {
        const { uses_allowed, expires_at } = fact.value;
        changes.set(hash, { ...before, made: { uses_allowed, expires_at } });
        break;
      }
      case 'registration_token_used':
      case 'registration_token_returned':
        changes.set(hash, { ...before, uses: fact.value.uses });
        break;
      case 'registration_token_removed':
        changes.set(hash, { removed: true });
        break;
      default:
        break;
    }
  }
  return changes;
}

function bytesOf(hash: string): Buffer {
  return Buffer.from(hash, 'hex');
}
