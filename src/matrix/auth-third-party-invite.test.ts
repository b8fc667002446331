import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import {
  ADMIN,
  type AuthCase,
  BANNED,
  eventIn,
  judge,
  MEMBER,
  MODERATOR,
  NO_SIGNATURES,
  type RoomShape,
  STRANGER,
  stateOf,
} from './auth-room.fixture.ts';
import { checkAuth } from './auth-rules.ts';
import { MAX_SIGNATURE_TRIALS } from './auth-third-party-invite.ts';
import { asServerName, type UserId } from './identifiers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { roomVersion } from './room-versions.ts';
import { signJson, type Verifier } from './signing.ts';
import { type SodiumSigner, sodiumSigner, sodiumVerifier } from './sodium-signing.ts';

/** Rule 5.4.1: invitations that redeem a third-party invitation, with real signatures. */

let identity: SodiumSigner;
let other: SodiumSigner;
let verifier: Verifier;
before(async () => {
  identity = await sodiumSigner(asServerName('identity'), '0', new Uint8Array(32).fill(1));
  other = await sodiumSigner(asServerName('other'), '0', new Uint8Array(32).fill(2));
  verifier = await sodiumVerifier();
});

// The seeds above give these; cases are made before the signers are.
const IDENTITY_KEY = 'iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w';
const OTHER_KEY = 'gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q';
it('the keys in these tests are those of the signers', () => {
  assert.deepEqual([identity.publicKey, other.publicKey], [IDENTITY_KEY, OTHER_KEY]);
});

/** A room in which MODERATOR has invited an address. */
function invitedBy(sender: UserId, content: JsonObject): RoomShape {
  return { more: { 'm.room.third_party_invite': { token: { sender, content } } } };
}
const usual = invitedBy(MODERATOR, { public_key: IDENTITY_KEY });

/** An invitation by MODERATOR that redeems it. */
function redeem(third_party_invite: () => JsonValue, target: UserId = STRANGER): AuthCase['event'] {
  return (version) => {
    const content = { membership: 'invite', third_party_invite: third_party_invite() };
    return eventIn(version, 'm.room.member', MODERATOR, content, { state_key: target });
  };
}

function signed(object: JsonObject, by: () => SodiumSigner = () => identity): () => JsonValue {
  return () => ({ display_name: 'S', signed: signJson(object, by()) });
}

const GOOD = { mxid: STRANGER, token: 'token' };
const cases: readonly AuthCase[] = [
  {
    rule: '5.4.1.1',
    name: 'banned',
    verdict: 'is banned',
    event: redeem(signed({ ...GOOD, mxid: BANNED }), BANNED),
    room: usual,
  },
  ...[null, 5, 'x', [], {}, { signed: null }, { signed: 'x' }].map(
    (bad): AuthCase => ({
      rule: '5.4.1.2',
      name: JSON.stringify(bad),
      verdict: 'is not signed',
      event: redeem(() => bad),
      room: usual,
    }),
  ),
  {
    rule: '5.4.1.3',
    name: 'no mxid',
    verdict: 'no mxid or no token',
    event: redeem(signed({ token: 'token' })),
    room: usual,
  },
  {
    rule: '5.4.1.3',
    name: 'no token',
    verdict: 'no mxid or no token',
    event: redeem(signed({ mxid: STRANGER })),
    room: usual,
  },
  {
    rule: '5.4.1.4',
    name: 'for another',
    verdict: 'for another user',
    event: redeem(signed({ ...GOOD, mxid: MEMBER })),
    room: usual,
  },
  {
    rule: '5.4.1.5',
    name: 'another token',
    verdict: 'with this token',
    event: redeem(signed({ ...GOOD, token: 'x' })),
    room: usual,
  },
  {
    rule: '5.4.1.6',
    name: 'another sender',
    verdict: 'of another sender',
    event: redeem(signed(GOOD)),
    room: invitedBy(ADMIN, { public_key: IDENTITY_KEY }),
  },
  { rule: '5.4.1.7', name: 'public_key', verdict: 'allowed', event: redeem(signed(GOOD)), room: usual },
  {
    rule: '5.4.1.7',
    name: 'one of public_keys',
    verdict: 'allowed',
    event: redeem(signed(GOOD)),
    room: invitedBy(MODERATOR, {
      public_key: OTHER_KEY,
      public_keys: ['x', { public_key: 5 }, { public_key: IDENTITY_KEY }],
    }),
  },
  {
    rule: '5.4.1.7',
    name: 'the second of two signatures',
    verdict: 'allowed',
    event: redeem(() => ({ signed: signJson(signJson(GOOD, other), identity) })),
    room: usual,
  },
  {
    rule: '5.4.1.7',
    name: 'a member is invited again',
    verdict: 'allowed',
    event: redeem(signed({ ...GOOD, mxid: MEMBER }), MEMBER),
    room: usual,
  },
  {
    rule: '5.4.1.7',
    name: 'by who may not invite: the room event was allowed then',
    verdict: 'allowed',
    event: redeem(signed(GOOD)),
    room: { ...usual, power: { invite: 100 } },
  },
  {
    rule: '5.4.1.8',
    name: 'another key',
    verdict: 'no key of',
    event: redeem(signed(GOOD, () => other)),
    room: usual,
  },
  {
    rule: '5.4.1.8',
    name: 'no keys',
    verdict: 'no key of',
    event: redeem(signed(GOOD)),
    room: invitedBy(MODERATOR, {}),
  },
  {
    rule: '5.4.1.8',
    name: 'no signatures',
    verdict: 'no key of',
    event: redeem(() => ({ signed: GOOD })),
    room: usual,
  },
  {
    rule: '5.4.1.8',
    name: 'altered after it was signed',
    verdict: 'no key of',
    event: redeem(() => ({ signed: { ...signJson(GOOD, identity), more: 1 } })),
    room: usual,
  },
  {
    rule: '5.4.1.8',
    name: 'a signature of another algorithm',
    verdict: 'no key of',
    event: redeem(() => {
      const signature = identity.sign(Buffer.from(JSON.stringify(GOOD)));
      return {
        signed: { ...GOOD, signatures: { identity: { 'x25519:0': signature }, odd: 5, list: ['x'] } },
      };
    }),
    room: usual,
  },
];

judge(cases, () => ({ ...NO_SIGNATURES, verifier }));

it('no more pairs of signature and key are tried than the bound', () => {
  const version = roomVersion('12') ?? assert.fail();
  let tried = 0;
  const counting: Verifier = {
    verify: () => {
      tried += 1;
      return false;
    },
  };
  const many = Array.from({ length: 50 }, (_, i) => [`ed25519:${i}`, 'A'.repeat(86)]);
  const public_keys = Array.from({ length: 50 }, () => ({ public_key: IDENTITY_KEY }));
  const event = redeem(() => ({ signed: { ...GOOD, signatures: { a: Object.fromEntries(many) } } }))(version);
  const state = stateOf(version, invitedBy(MODERATOR, { public_keys }));
  assert.ok(!checkAuth(version, event, state, { ...NO_SIGNATURES, verifier: counting }).allowed);
  assert.equal(tried, MAX_SIGNATURE_TRIALS);
});
