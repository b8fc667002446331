import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Coordination, GroupMember } from './group-member.ts';
import { encodeMessage } from './group-messages.ts';
import { codes } from './kafka-error.ts';
import type { Broker } from './kafkajs-private.ts';

/** What the broker answers; each heartbeat takes so many milliseconds of the member's clock. */
interface Answers {
  readonly join: (generation: number) => Promise<void>;
  readonly sync?: () => Promise<void>;
  readonly heartbeat: () => void;
}

const beatMs = 50;
const rebalanceMs = 10_000;

test('a member whose join is never answered has no lease past the time at which the broker goes on without it', async (context) => {
  const begun = { at: Number.POSITIVE_INFINITY };
  await using group = startMember(context, {
    join: (generation) => (generation === 1 ? Promise.resolve() : never()),
    heartbeat: () => {
      // The broker reorders the group from here on; it knows the member all along.
      if (group.now() < 2_000) return;
      begun.at = Math.min(begun.at, group.now());
      throw refusal(codes.rebalanceInProgress);
    },
  });
  await group.until(() => group.now() > begun.at + 5_000);
  assert.ok(group.member.leaseEnd > group.now() - beatMs, 'slots that stay are served on meanwhile');
  await group.until(() => group.now() > begun.at + rebalanceMs + 2_000);
  assert.ok(group.latestEnd <= begun.at + rebalanceMs, `${group.latestEnd} of ${begun.at + rebalanceMs}`);
});

test('a member whose part in the new order never comes has no lease past that time, however well its heart beats', async (context) => {
  const joined = { at: Number.POSITIVE_INFINITY };
  await using group = startMember(context, {
    join: async (generation) => {
      if (generation === 2) joined.at = group.now();
    },
    sync: () => (joined.at < Number.POSITIVE_INFINITY ? never() : Promise.resolve()),
    heartbeat: () => {
      // The broker answers who has joined as if all were well.
      if (group.now() > 2_000 && joined.at > group.now()) throw refusal(codes.rebalanceInProgress);
    },
  });
  await group.until(() => group.now() > joined.at + rebalanceMs + 2_000);
  assert.ok(group.latestEnd <= joined.at + rebalanceMs, `${group.latestEnd} of ${joined.at + rebalanceMs}`);
});

test('a member of a group that stays as it is keeps its lease', async (context) => {
  await using group = startMember(context, { join: () => Promise.resolve(), heartbeat: () => undefined });
  await group.until(() => group.now() > 2 * rebalanceMs);
  assert.ok(group.member.leaseEnd > group.now() - beatMs);
});

/** A member of a group of one, on a clock that only heartbeats move. */
function startMember(context: TestContext, answers: Answers) {
  let now = 1_000;
  let generation = 0;
  let latestEnd = 0;
  context.mock.method(performance, 'now', () => now);
  const broker = {
    joinGroup: async () => {
      await answers.join(generation + 1);
      generation += 1;
      return { generationId: generation, leaderId: 'other', memberId: 'me', members: [] };
    },
    syncGroup: async () => {
      await answers.sync?.();
      return { memberAssignment: encodeMessage({ slots: [0], owners: [] }) };
    },
    heartbeat: async () => {
      now += beatMs;
      latestEnd = Math.max(latestEnd, member.leaseEnd);
      answers.heartbeat();
    },
    leaveGroup: async () => undefined,
  };
  const closing = new AbortController();
  const lane: Coordination = {
    // Only what a member calls is there.
    coordinator: (_kind, _id, use) =>
      Promise.race([use(broker as unknown as Broker), closed(closing.signal)]),
    close: () => closing.abort(),
  };
  const member = new GroupMember(
    // A session of 60 ms has a heartbeat every 5 ms, of which each takes 50 of the member's own.
    { groupId: 'g', node: 'n', slots: 1, sessionMs: 60, joins: lane, beats: lane },
    { held: () => new Set([0]), plan: async () => false, expelled: async () => undefined },
  );
  member.start();
  return {
    member,
    now: () => now,
    /** The furthest that the lease ever went. */
    get latestEnd() {
      return latestEnd;
    },
    async until(isTrue: () => boolean): Promise<void> {
      while (!isTrue()) await sleep(5);
    },
    [Symbol.asyncDispose]: () => member.leave(),
  };
}

function refusal(code: number): Error {
  return Object.assign(new Error('refused'), { code });
}

function never(): Promise<void> {
  return new Promise(() => undefined);
}

async function closed(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw new Error('closed');
}
