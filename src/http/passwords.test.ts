import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMilenaError } from '../errors/milena-error.ts';
import { Argon2Passwords } from './passwords.ts';

const cheap = { memory: 64, passes: 1, atOnce: 2 };

describe('a password', () => {
  it('is kept as an Argon2id PHC string that verifies it and no other', async () => {
    const passwords = new Argon2Passwords(cheap);
    const stored = await passwords.hash('correct horse');
    assert.match(stored, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await passwords.verify('correct horse', stored), true);
    assert.equal(await passwords.verify('correct horse ', stored), false);
    assert.notEqual(await passwords.hash('correct horse'), stored);
  });

  it('verifies with the cost that its hash was made at, after the configuration has changed', async () => {
    const stored = await new Argon2Passwords(cheap).hash('p');
    assert.equal(await new Argon2Passwords({ ...cheap, passes: 3 }).verify('p', stored), true);
  });

  it('agrees with another implementation of Argon2id', async () => {
    // A vector of the reference implementation's own test suite.
    const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    assert.equal(await new Argon2Passwords(cheap).verify('password', stored), true);
  });

  it('of a user that does not exist is wrong, and is hashed all the same', async () => {
    const passwords = new Argon2Passwords({ memory: 16_384, passes: 2, atOnce: 1 });
    const stored = await passwords.hash('p');
    const time = async (hash: string | undefined) => {
      const start = performance.now();
      assert.equal(await passwords.verify('wrong', hash), false);
      return performance.now() - start;
    };
    await time(stored);
    const [known, unknown] = [await time(stored), await time(undefined)];
    assert.ok(unknown > known / 4, `${unknown} ms against ${known} ms`);
  });

  it('is right in whichever Unicode form it was typed', async () => {
    const passwords = new Argon2Passwords(cheap);
    assert.equal(await passwords.verify('e\u0301te\u0301', await passwords.hash('\u00e9t\u00e9')), true);
  });

  it('is not hashed when too many wait already', async () => {
    const passwords = new Argon2Passwords({ memory: 64, passes: 1, atOnce: 1 });
    const outcomes = await Promise.allSettled(Array.from({ length: 210 }, () => passwords.hash('p')));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 9);
    assert.ok(refused.every((one) => one.status === 'rejected' && isMilenaError(one.reason, 'UNAVAILABLE')));
  });
});
