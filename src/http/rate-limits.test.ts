import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { createRoom, register, sendText, testHouse } from './house.fixture.ts';
import { addressKey, RateLimits, type Rates } from './rate-limits.ts';

const two = { count: 2, perMs: 1_000 };
const rates: Rates = {
  registration: two,
  loginAddress: two,
  loginAccount: two,
  send: two,
  membership: two,
  notice: two,
  lookup: two,
  createRoom: two,
  profile: two,
  request: two,
  device: two,
  address: two,
};

describe('a rate limit', () => {
  it('lets so many through at once, says how long to wait, and lets one more through after that', () => {
    let now = 0;
    const limits = new RateLimits(rates, () => now);
    limits.take('send', 'a');
    limits.take('send', 'a');
    assert.throws(
      () => limits.take('send', 'a'),
      (error) => isMilenaError(error, 'LIMIT_EXCEEDED') && error.facts.retryAfterMs === 500,
    );
    now += 500;
    limits.take('send', 'a');
    assert.throws(() => limits.take('send', 'a'));
  });

  it('is one for each key and each thing that is limited', () => {
    const limits = new RateLimits({ ...rates, send: { count: 1, perMs: 1_000 } }, () => 0);
    limits.take('send', 'a');
    limits.take('send', 'b');
    limits.take('loginAccount', 'a');
    assert.throws(() => limits.take('send', 'a'));
  });

  it('that gives back what succeeded counts failures, and tries under way', () => {
    const limits = new RateLimits({ ...rates, send: { count: 1, perMs: 1_000 } }, () => 0);
    for (let i = 0; i < 5; i += 1) {
      limits.take('send', 'a');
      limits.giveBack('send', 'a');
    }
    limits.take('send', 'a');
    assert.throws(() => limits.take('send', 'a'));
  });

  it('counts an IPv6 customer’s whole network as one', () => {
    assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2::9'));
    assert.notEqual(addressKey('2001:db8:1:2::9'), addressKey('2001:db8:1:3::9'));
    assert.equal(addressKey('2001:db8::1'), '2001:db8:0:0');
    assert.equal(addressKey('::1'), '0:0:0:0');
    assert.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(addressKey('192.0.2.1'), '192.0.2.1');
  });
});

describe('several takes at once', () => {
  it('are all or none, and the longest wait is told', () => {
    let now = 0;
    const limits = new RateLimits({ ...rates, device: { count: 1, perMs: 10_000 } }, () => now);
    const takes = [{ limit: 'send', key: 'a' } as const, { limit: 'device', key: 'a' } as const];
    limits.takeAll(takes);
    for (let i = 0; i < 5; i += 1) {
      assert.throws(
        () => limits.takeAll(takes),
        (error) => isMilenaError(error, 'LIMIT_EXCEEDED') && (error.facts.retryAfterMs ?? 0) > 9_000,
      );
    }
    // What was refused by one is not taken from the other.
    limits.take('send', 'a');
    now += 10_000;
    limits.takeAll(takes);
  });

  it('go by a factor where one is given', () => {
    const limits = new RateLimits(rates, () => 0, [{ userId: '@busy:one', factor: 3 }]);
    assert.deepEqual(
      ['@busy:one', '@other:one'].map((user) => limits.factorOf(user)),
      [3, 1],
    );
    const take = { limit: 'send', key: 'a', factor: 3 } as const;
    for (let i = 0; i < 6; i += 1) limits.takeAll([take]);
    assert.throws(() => limits.takeAll([take]));
  });
});

describe('nodes that tell each other', () => {
  /** Some nodes with one ledger and one clock. */
  function nodes(count: number, rate: Rates['send']) {
    let now = 0;
    const paid = new Map<string, number>();
    const all = Array.from({ length: count }, () => new RateLimits({ ...rates, send: rate }, () => now));
    const settle = (limits: RateLimits): void => {
      const used = limits.untold();
      for (const { name, usedMs } of used) paid.set(name, Math.max(paid.get(name) ?? 0, now) + usedMs);
      limits.learn(used.map(({ name }) => ({ name, owedMs: Math.max(0, (paid.get(name) ?? 0) - now) })));
    };
    return {
      all,
      settle,
      pass: (ms: number) => {
        now += ms;
      },
    };
  }

  const tryTake = (limits: RateLimits): number => {
    try {
      limits.take('send', 'a');
      return 1;
    } catch {
      return 0;
    }
  };

  it('let through at most 1.25 bursts each, and the rate itself in the long run', () => {
    for (const count of [1, 2, 3]) {
      for (const burst of [1, 4, 40]) {
        const perMs = 10_000;
        const house = nodes(count, { count: burst, perMs });
        let taken = 0;
        const milliseconds = 30_000;
        for (let ms = 0; ms < milliseconds; ms += 50) {
          for (const node of house.all) for (let i = 0; i < 3; i += 1) taken += tryTake(node);
          house.pass(50);
          if (ms % 250 === 0) for (const node of house.all) house.settle(node);
        }
        const most = (milliseconds * burst) / perMs + Math.max(1.25 * burst, burst + 1) * count;
        assert.ok(taken <= most, `${count} nodes, burst ${burst}: ${taken} of at most ${most}`);
        assert.ok(taken >= (milliseconds * burst) / perMs, 'nor less than was promised');
      }
    }
  });

  it('know of what others have used', () => {
    const house = nodes(2, { count: 4, perMs: 4_000 });
    const [one, other] = house.all;
    assert.ok(one !== undefined && other !== undefined);
    for (let i = 0; i < 4; i += 1) assert.equal(tryTake(one), 1);
    house.settle(one);
    assert.equal(tryTake(other), 1, 'nothing is known of it yet');
    house.settle(other);
    assert.equal(tryTake(other), 0, 'all is used up');
    house.pass(2_000);
    assert.equal(tryTake(other), 1);
  });

  it('tell later what could not be told', () => {
    const limits = new RateLimits(rates, () => 0);
    limits.take('send', 'a');
    const used = limits.untold();
    assert.deepEqual(used, [{ name: 'send a', usedMs: 500 }]);
    assert.deepEqual(limits.untold(), []);
    limits.retell(used);
    assert.deepEqual(limits.untold(), used);
  });
});

describe('with rate limits on', () => {
  const wrong = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'alice' },
    password: 'wrong',
  };

  it('guessing one account’s password ends soon, with Retry-After, and leaves others alone', async () => {
    const house = await testHouse({ rateLimits: true });
    const { device } = await register(house, 'alice');
    await register(house, 'bob');
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await house.ask('POST', house.client('/login'), { body: wrong })).status, 403);
    }
    const { status, headers, json } = await house.ask('POST', house.client('/login'), { body: wrong });
    assert.deepEqual([status, json.errcode], [429, 'M_LIMIT_EXCEEDED']);
    assert.ok(json.retry_after_ms > 0 && json.retry_after_ms <= 20_000);
    assert.equal(Number(headers['retry-after']), Math.ceil(json.retry_after_ms / 1_000));
    const identifier = { type: 'm.id.user', user: 'bob' };
    const body = { ...wrong, identifier, password: 'password of bob', device_id: device };
    assert.equal((await house.ask('POST', house.client('/login'), { body })).status, 200);
  });

  it('guesses of one account’s password that are sent at once count, though none has failed yet', async () => {
    let under = 0;
    let most = 0;
    // Slow, as a real hash is: all that come through are under way together.
    const verify = async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise((resolve) => setTimeout(resolve, 50));
      under -= 1;
      return false;
    };
    const passwords = { hash: async () => 'a hash', verify };
    const house = await testHouse({ rateLimits: true }, { passwords });
    await register(house, 'alice');
    const guesses = Array.from({ length: 20 }, () =>
      house.ask('POST', house.client('/login'), { body: wrong }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    assert.deepEqual(
      statuses.toSorted(),
      Array.from({ length: 20 }, (_, index) => (index < 3 ? 403 : 429)),
    );
    assert.equal(most, 3, 'no more than the limit reach the hash');
  });

  it('whoever knows the password logs in as often as they like, one after the other', async () => {
    const house = await testHouse({ rateLimits: true });
    await register(house, 'alice');
    const body = { ...wrong, password: 'password of alice' };
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await house.ask('POST', house.client('/login'), { body })).status, 200);
    }
  });

  it('a login that the server could not check is no guess', async () => {
    const outage = async () => {
      throw new MilenaError('UNAVAILABLE');
    };
    const house = await testHouse(
      { rateLimits: true },
      { passwords: { hash: async () => 'h', verify: outage } },
    );
    await register(house, 'alice');
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await house.ask('POST', house.client('/login'), { body: wrong })).status, 503);
    }
  });

  it('one address makes only so many accounts, and what it only asks does not count', async () => {
    const house = await testHouse({ rateLimits: true });
    for (let i = 0; i < 5; i += 1) await house.ask('POST', house.client('/register'), { body: {} });
    await register(house, 'alice');
    await register(house, 'bob');
    await assert.rejects(register(house, 'carol'), /429.*M_LIMIT_EXCEEDED/);
  });

  it('a proxy’s word for the address is taken only where the proxy is trusted', async () => {
    const names = ['alice', 'bob', 'carol', 'dave'];
    const tryAll = async (trustedProxies: readonly string[]) => {
      const house = await testHouse({ rateLimits: true, trustedProxies });
      const statuses: number[] = [];
      for (const [index, username] of names.entries()) {
        const body = { username, password: 'p', auth: { type: 'm.login.dummy' } };
        const headers = { 'x-forwarded-for': `192.0.2.${index}` };
        statuses.push((await house.ask('POST', house.client('/register'), { body, headers })).status);
      }
      return statuses;
    };
    assert.deepEqual(await tryAll(['127.0.0.1']), [200, 200, 200, 200]);
    assert.deepEqual(await tryAll([]), [200, 200, 429, 429]);
  });

  it('one user sends only so many events at once', async () => {
    const house = await testHouse({ rateLimits: true });
    const alice = await register(house, 'alice');
    const room = await createRoom(alice);
    for (let i = 0; i < 5; i += 1) await sendText(alice, room, `text ${i}`);
    await assert.rejects(sendText(alice, room, 'one too many'), /429/);
  });
});
