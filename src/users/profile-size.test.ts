import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asUserId } from '../matrix/identifiers.ts';
import { decideUser, type UserCommand } from './decide.ts';
import { evolveUser } from './evolve.ts';
import { isTooLarge, NO_FIELDS, withField } from './profile-size.ts';
import { NO_USER, type User } from './user.ts';

const user_id = asUserId('@ann:example.org');
const set = (field: string, value?: string): UserCommand => ({
  kind: 'set_profile',
  id: '',
  at: 0,
  user_id,
  field,
  ...(value === undefined ? {} : { value }),
});

/** The user after commands, none of which is refused. */
function after(...commands: readonly UserCommand[]): User {
  return commands.reduce<User>(
    (user, command) => {
      const decision = decideUser(user, command);
      assert.ok('facts' in decision, JSON.stringify(decision));
      return decision.facts.reduce(evolveUser, user);
    },
    { ...NO_USER, exists: true },
  );
}

describe('a profile', () => {
  it('may be just as large as its JSON is below 64 KiB', () => {
    const profile = fc.dictionary(fc.string(), fc.string({ maxLength: 50 }), { maxKeys: 5 });
    fc.assert(
      fc.property(profile, fc.constantFrom(-1, 0, 1), (fields, more) => {
        const bare = Buffer.byteLength(JSON.stringify({ ...fields, 'org.pad': '' }));
        const whole = { ...fields, 'org.pad': 'x'.repeat(65_535 - bare + more) };
        const entries = Object.entries(whole);
        const sizes = entries.reduce(
          (before, [field, value]) => withField(before, field, JSON.stringify(value)),
          NO_FIELDS,
        );
        assert.equal(isTooLarge(sizes), Buffer.byteLength(JSON.stringify(whole)) >= 65_536);
      }),
    );
  });

  it('that would be too large is refused by what the owner knows, and what is smaller is not', () => {
    const large = 'x'.repeat(40_000);
    const user = after(set('org.one', large));
    assert.deepEqual(decideUser(user, set('org.two', large)), { refused: 'PROFILE_TOO_LARGE' });
    after(set('org.one', large), set('org.one', 'x'), set('org.two', large));
    after(set('org.one', large), set('org.one'), set('org.two', large));
  });
});
