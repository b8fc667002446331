import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountsModel } from '../../../projections/accounts/model.ts';
import { createLoader } from '../../../projections/loader.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import { userKind } from '../../../src/owner/kinds/user-kind.ts';
import type { UserFact } from '../../../src/users/decide.ts';
import { evolveUser } from '../../../src/users/evolve.ts';
import { NO_USER } from '../../../src/users/user.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const device = (id: string, byte: number): UserFact => ({
  type: 'device_added',
  value: {
    device_id: id,
    token_hash: Buffer.alloc(32, byte),
    refresh_hash: byte === 1 ? null : Buffer.alloc(32, byte + 100),
    expires_at: byte === 1 ? null : 4_000_000_000_000,
    method: 'm.login.password',
    sealed: '{"display_name":null}',
  },
});
const field = (name: string, value?: unknown): UserFact => {
  const sealed = value === undefined ? null : JSON.stringify(value);
  return { type: 'profile_changed', value: { field: name, sealed } };
};

test('a user that an owner loads from the model is what all facts make of it', async () => {
  await using house = await House.make(server, 'users', 1);
  const projections = await house.open([accountsModel]);
  const facts: readonly UserFact[] = [
    {
      type: 'user_registered',
      value: { kind: 'user', admin: true, terms: [], sealed: '{"password_hash":null}' },
    },
    device('ONE', 1),
    device('TWO', 2),
    field('displayname', 'Ådå'),
    field('org.example.list', ['a', { b: '\0"\\' }]),
    field('org.example.gone', 1),
    field('org.example.gone'),
    { type: 'user_suspended', value: { suspended: true, actor: '@root:localhost', sealed: null } },
  ];
  const userId = '@ann:localhost';
  const stamped = facts.map((fact) => ({ ...fact, key: userId, at: 1 }));
  await house.append('users', userId, stamped);
  await house.caughtUp(projections);
  const loader = createLoader(projections.queries, timelineQueries(projections.queries), 1);
  const { state } = await userKind.load(userId, loader);
  assert.deepEqual(state, facts.reduce(evolveUser, NO_USER));
});
