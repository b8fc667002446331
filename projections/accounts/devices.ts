import type { Records } from '../../src/log/records.ts';
import { byteaColumn, int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, Statement } from '../framework/model.ts';
import { textOf } from './sealed-text.ts';

type Tokens = Records['device_tokens_set']['tokens'];

interface AddedDevice {
  readonly display_name: string | null;
  readonly method: string;
  readonly added_at: number;
}

/** What a batch comes to for one device. */
interface DeviceChange {
  readonly user_id: string;
  readonly device_id: string;
  /** It was removed; what else is said is about one that came after. */
  readonly gone: boolean;
  readonly added?: AddedDevice;
  /** Another name for one that was there. */
  readonly renamed?: string | null;
  /** All the tokens that it has. */
  readonly tokens?: Tokens;
}

/** The last word of a batch about every device. */
export class DeviceChanges {
  readonly #changes = new Map<string, DeviceChange>();

  /** Takes a record; those that are not about devices change nothing. */
  take({ key, fact, at }: OpenedRecord): void {
    switch (fact?.type) {
      case 'device_added': {
        const { device_id, method, sealed, ...tokens } = fact.value;
        const before = this.#of(key, device_id);
        // A device that logs in again keeps its name (spec: `initial_device_display_name`).
        const display_name =
          before.added === undefined ? textOf(sealed, 'display_name') : before.added.display_name;
        const added = { display_name, method, added_at: at };
        this.#set({ ...before, added, tokens: [tokens] });
        return;
      }
      case 'device_tokens_set':
        this.#set({ ...this.#of(key, fact.value.device_id), tokens: fact.value.tokens });
        return;
      case 'device_renamed': {
        const before = this.#of(key, fact.value.device_id);
        const name = textOf(fact.value.sealed, 'display_name');
        if (before.added === undefined) this.#set({ ...before, renamed: name });
        else this.#set({ ...before, added: { ...before.added, display_name: name }, renamed: name });
        return;
      }
      case 'device_removed':
        for (const device_id of fact.value.devices) this.#set({ user_id: key, device_id, gone: true });
        return;
      default:
        return;
    }
  }

  /** Forgets what was said of a user's devices: all of them go. */
  clear(userId: string): void {
    for (const [name, { user_id }] of this.#changes) if (user_id === userId) this.#changes.delete(name);
  }

  /** The writes, in the order in which they must be made. */
  statements(schema: string): Statement[] {
    const all = [...this.#changes.values()];
    const gone = all.filter((change) => change.gone);
    const added = all.flatMap(({ added: device, ...change }) => (device ? [{ ...change, ...device }] : []));
    const renamed = all.filter(({ renamed: name }) => name !== undefined);
    const retokened = all.filter(({ tokens }) => tokens !== undefined);
    return [
      ...(gone.length === 0 ? [] : [removal(schema, 'devices', gone)]),
      ...(added.length === 0 ? [] : [addition(schema, added)]),
      ...(renamed.length === 0 ? [] : [renaming(schema, renamed)]),
      ...(gone.length + retokened.length === 0 ? [] : [removal(schema, 'tokens', [...gone, ...retokened])]),
      ...(retokened.length === 0 ? [] : [tokenWrite(schema, retokened)]),
    ];
  }

  #of(user_id: string, device_id: string): DeviceChange {
    return this.#changes.get(nameOf(user_id, device_id)) ?? { user_id, device_id, gone: false };
  }

  #set(change: DeviceChange): void {
    this.#changes.set(nameOf(change.user_id, change.device_id), change);
  }
}

function nameOf(userId: string, deviceId: string): string {
  return `${userId}\n${deviceId}`;
}

function removal(schema: string, table: 'devices' | 'tokens', gone: readonly DeviceChange[]): Statement {
  return {
    text: `DELETE FROM ${schema}.${table} d USING unnest($1::text[], $2::text[]) g(user_id, device_id)
      WHERE d.user_id = g.user_id AND d.device_id = g.device_id`,
    values: [textColumn(gone.map((row) => row.user_id)), textColumn(gone.map((row) => row.device_id))],
  };
}

function addition(schema: string, added: readonly (DeviceChange & AddedDevice)[]): Statement {
  return {
    text: `INSERT INTO ${schema}.devices
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[])
      ON CONFLICT (user_id, device_id) DO UPDATE SET method = EXCLUDED.method, added_at = EXCLUDED.added_at`,
    values: [
      textColumn(added.map((row) => row.user_id)),
      textColumn(added.map((row) => row.device_id)),
      textColumn(added.map((row) => row.display_name)),
      textColumn(added.map((row) => row.method)),
      int8Column(added.map((row) => row.added_at)),
    ],
  };
}

function renaming(schema: string, renamed: readonly DeviceChange[]): Statement {
  return {
    text: `UPDATE ${schema}.devices d SET display_name = n.name
      FROM unnest($1::text[], $2::text[], $3::text[]) n(user_id, device_id, name)
      WHERE d.user_id = n.user_id AND d.device_id = n.device_id`,
    values: [
      textColumn(renamed.map((row) => row.user_id)),
      textColumn(renamed.map((row) => row.device_id)),
      textColumn(renamed.map((row) => row.renamed ?? null)),
    ],
  };
}

function tokenWrite(schema: string, changes: readonly DeviceChange[]): Statement {
  const rows = changes.flatMap(({ user_id, device_id, tokens = [] }) =>
    tokens.map((token, position) => ({ user_id, device_id, position, ...token })),
  );
  return {
    text: `INSERT INTO ${schema}.tokens
      SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::int8[], $5::bytea[], $6::int8[])`,
    values: [
      byteaColumn(rows.map((row) => row.token_hash)),
      textColumn(rows.map((row) => row.user_id)),
      textColumn(rows.map((row) => row.device_id)),
      int8Column(rows.map((row) => row.position)),
      byteaColumn(rows.map((row) => row.refresh_hash)),
      int8Column(rows.map((row) => row.expires_at)),
    ],
  };
}
