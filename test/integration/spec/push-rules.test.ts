import { describe, it } from 'node:test';
import { type Client, isObject, type Json, login, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Push Rules: API';

interface Rule {
  readonly rule_id: string;
  readonly enabled: boolean;
  readonly default: boolean;
  readonly actions: readonly unknown[];
  readonly conditions?: readonly Json[];
  readonly pattern?: string;
}

const rulePath = (kind: string, ruleId: string, ...more: readonly string[]) =>
  path('pushrules', 'global', kind, ruleId, ...more);

async function rules(user: Client, kind: string): Promise<readonly Rule[]> {
  const { global } = await user.get200('GET', path('pushrules', ''));
  check(isObject(global) && Array.isArray(global[kind]), `${section}: global.${kind}`, global);
  return global[kind];
}

const own = async (user: Client, kind: string) =>
  (await rules(user, kind)).filter((rule) => !rule.default).map(({ rule_id }) => rule_id);

function put(user: Client, kind: string, ruleId: string, json: Json, query = '') {
  return user.ask('PUT', `${rulePath(kind, ruleId)}${query}`, { json });
}

const override = (user: Client, ruleId: string, query = '') =>
  put(user, 'override', ruleId, { actions: ['notify'], conditions: [] }, query);

describe('PUT /pushrules/global/{kind}/{ruleId}', () => {
  const rule = 'CS API, PUT /pushrules/global/{kind}/{ruleId}';

  it('makes a rule of each kind, enabled and not default', async () => {
    const user = await shared.user();
    const conditions = [{ kind: 'event_match', key: 'content.body', pattern: 'beer' }];
    const bodies: Record<string, Json> = {
      override: { actions: ['notify'], conditions },
      content: { actions: ['notify', { set_tweak: 'sound', value: 'cake.wav' }], pattern: 'cake*lie' },
      room: { actions: [] },
      sender: { actions: [] },
      underride: { actions: ['notify'], conditions },
    };
    const ids: Record<string, string> = {
      room: '!dj234r78wl45Gh4D:matrix.org',
      sender: '@spambot:matrix.org',
    };
    for (const [kind, body] of Object.entries(bodies)) {
      const ruleId = ids[kind] ?? 'nocake';
      same(expectOk(await put(user, kind, ruleId, body), rule), {}, `${rule}: an empty object`);
      const made = await user.get200('GET', rulePath(kind, ruleId));
      same(made, { rule_id: ruleId, default: false, enabled: true, ...body }, `${rule}: ${kind}`);
    }
  });

  it('puts a new rule before the others of its kind', async () => {
    const user = await shared.user();
    for (const id of ['one', 'two', 'three']) expectOk(await override(user, id), rule);
    same(
      await own(user, 'override'),
      ['three', 'two', 'one'],
      `${rule}: the most important user defined rule`,
    );
  });

  it('puts own rules after .m.rule.master and before all other default rules', async () => {
    const user = await shared.user();
    expectOk(await override(user, 'mine'), rule);
    const ids = (await rules(user, 'override')).map(({ rule_id }) => rule_id);
    same(ids.slice(0, 3), ['.m.rule.master', 'mine', '.m.rule.suppress_notices'], 'CS API, Predefined Rules');
    await put(user, 'underride', 'mine', { actions: [] });
    same((await rules(user, 'underride'))[0]?.rule_id, 'mine', 'CS API, Predefined Rules');
  });

  it('puts a rule before or after another', async () => {
    const user = await shared.user();
    for (const id of ['b', 'a']) expectOk(await override(user, id), rule);
    expectOk(await override(user, 'x', '?before=b'), `${rule}: before`);
    same(await own(user, 'override'), ['a', 'x', 'b'], `${rule}: before`);
    expectOk(await override(user, 'y', '?after=a'), `${rule}: after`);
    same(await own(user, 'override'), ['a', 'y', 'x', 'b'], `${rule}: after`);
    expectOk(await override(user, 'z', '?after=a&before=b'), `${rule}: both`);
    same(await own(user, 'override'), ['a', 'y', 'x', 'z', 'b'], `${rule}: both: the next most to before`);
  });

  it('replaces a rule of the same ID where it stands, and moves it when asked', async () => {
    const user = await shared.user();
    for (const id of ['c', 'b', 'a']) expectOk(await override(user, id), rule);
    expectOk(await put(user, 'override', 'b', { actions: [], conditions: [] }), rule);
    same(await own(user, 'override'), ['a', 'b', 'c'], `${rule}: updated`);
    same((await user.get200('GET', rulePath('override', 'b')))['actions'], [], `${rule}: updated`);
    expectOk(await override(user, 'c', '?before=a'), rule);
    same(await own(user, 'override'), ['c', 'a', 'b'], `${rule}: moved`);
  });

  it('refuses IDs that begin with a dot, or have a slash or backslash in them', async () => {
    const user = await shared.user();
    for (const id of ['.mine', '.m.rule.master', 'a/b', 'a\\b'])
      expectError(await override(user, id), 400, 'M_INVALID_PARAM', `${rule}, ruleId: ${id}`);
    same(await own(user, 'override'), [], rule);
  });

  it('refuses to place a rule by one that is not there, or by one of the server’s', async () => {
    const user = await shared.user();
    for (const where of ['before', 'after']) {
      expectError(await override(user, 'x', `?${where}=none`), 400, 'M_UNKNOWN', `${rule}, 400`);
      expectError(
        await override(user, 'x', `?${where}=.m.rule.suppress_notices`),
        400,
        ['M_INVALID_PARAM', 'M_UNKNOWN'],
        `${rule}: not relative to a predefined server rule`,
      );
    }
  });

  it('refuses kinds, actions and conditions that are none', async () => {
    const user = await shared.user();
    const codes = ['M_INVALID_PARAM', 'M_BAD_JSON', 'M_MISSING_PARAM'];
    expectError(await put(user, 'device', 'x', { actions: [] }), [400, 404], [...codes, 'M_NOT_FOUND'], rule);
    for (const body of [
      {},
      { actions: 'notify' },
      { actions: [5] },
      { actions: [{ sound: 'x' }] },
      { actions: ['zz'] },
      { actions: [], conditions: {} },
      { actions: [], conditions: [{ key: 'x' }] },
      { actions: [], conditions: ['x'] },
    ])
      expectError(await put(user, 'override', 'x', body), 400, codes, `${rule}: ${JSON.stringify(body)}`);
    expectError(await put(user, 'content', 'x', { actions: [] }), 400, codes, `${rule}: pattern`);
  });

  it('names rules of rooms by room IDs, and rules of senders by user IDs', async () => {
    const user = await shared.user();
    const rule = 'CS API, Push Rules: kinds of rules, rule_id';
    for (const [kind, id] of [
      ['room', 'nocake'],
      ['room', '@a:b'],
      ['room', '#a:b'],
      ['sender', 'nocake'],
      ['sender', '!a:b'],
    ] as const)
      expectError(
        await put(user, kind, id, { actions: [] }),
        400,
        'M_INVALID_PARAM',
        `${rule}: ${kind} ${id}`,
      );
    for (const [kind, id] of [
      ['room', '!a:b'],
      ['room', '!TEdRnPZrRjhYQTfiYmmpd5Kq4o8SxpXBAOsJcLdUMZQ'],
      ['sender', '@a:b'],
    ] as const)
      expectOk(await put(user, kind, id, { actions: [] }), `${rule}: ${kind} ${id}`);
  });

  it('keeps conditions that it does not know', async () => {
    const user = await shared.user();
    const conditions = [{ kind: 'org.example.moon', phase: 'full' }];
    expectOk(await put(user, 'override', 'x', { actions: ['notify'], conditions }), rule);
    same((await user.get200('GET', rulePath('override', 'x')))['conditions'], conditions, rule);
  });

  it('takes dont_notify and coalesce for nothing', async () => {
    const user = await shared.user();
    expectOk(
      await put(user, 'room', '!a:b', { actions: ['dont_notify', 'coalesce'] }),
      'CS API, Historical Actions',
    );
    const { actions } = await user.get200('GET', rulePath('room', '!a:b'));
    check(
      Array.isArray(actions) && !actions.includes('notify'),
      'CS API, Historical Actions: equivalent to an empty actions array',
      actions,
    );
  });

  it('wants an access token', async () => {
    const answer = await shared.http.ask('PUT', rulePath('room', '!a:b'), { json: { actions: [] } });
    expectError(answer, 401, 'M_MISSING_TOKEN', rule);
  });
});

describe('GET /pushrules/global/{kind}/{ruleId}', () => {
  it('gives default rules as the spec defines them', async () => {
    const user = await shared.user();
    const { rule_id, ...rest } = await user.get200('GET', rulePath('override', '.m.rule.is_user_mention'));
    same(rule_id, '.m.rule.is_user_mention', 'CS API, GET a push rule');
    same(
      rest,
      {
        default: true,
        enabled: true,
        conditions: [
          { kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: user.userId },
        ],
        actions: ['notify', { set_tweak: 'sound', value: 'default' }, { set_tweak: 'highlight' }],
      },
      'CS API, Predefined Rules, .m.rule.is_user_mention',
    );
  });

  it('and its parts answer 404 for what is not there', async () => {
    const user = await shared.user();
    for (const parts of [[], ['enabled'], ['actions']]) {
      for (const [kind, id] of [
        ['override', 'none'],
        ['content', '.m.rule.master'],
        ['nothing', 'x'],
      ] as const)
        expectError(
          await user.ask('GET', rulePath(kind, id, ...parts)),
          [400, 404],
          ['M_NOT_FOUND', 'M_INVALID_PARAM'],
          'CS API, GET a push rule, 404',
        );
    }
  });
});

describe('DELETE /pushrules/global/{kind}/{ruleId}', () => {
  const rule = 'CS API, DELETE /pushrules/global/{kind}/{ruleId}';

  it('takes a rule away', async () => {
    const user = await shared.user();
    for (const id of ['a', 'b']) expectOk(await override(user, id), rule);
    same(expectOk(await user.ask('DELETE', rulePath('override', 'a')), rule), {}, rule);
    same(await own(user, 'override'), ['b'], rule);
    expectError(await user.ask('GET', rulePath('override', 'a')), 404, 'M_NOT_FOUND', rule);
  });

  it('answers 404 for what is not there, also in another kind', async () => {
    const user = await shared.user();
    expectOk(await override(user, 'a'), rule);
    for (const kind of ['underride', 'room', 'content'])
      expectError(await user.ask('DELETE', rulePath(kind, 'a')), 404, 'M_NOT_FOUND', `${rule}, 404`);
  });

  it('leaves default rules there', async () => {
    const user = await shared.user();
    const answer = await user.ask('DELETE', rulePath('override', '.m.rule.reaction'));
    expectError(answer, [400, 404], ['M_INVALID_PARAM', 'M_NOT_FOUND'], rule);
    const ids = (await rules(user, 'override')).map(({ rule_id }) => rule_id);
    check(ids.includes('.m.rule.reaction'), rule, ids);
  });
});

describe('…/enabled and …/actions', () => {
  const set = (user: Client, kind: string, id: string, part: string, value: unknown) =>
    user.ask('PUT', rulePath(kind, id, part), { json: { [part]: value } });

  it('change a rule of one’s own', async () => {
    const user = await shared.user();
    expectOk(await override(user, 'a'), section);
    same(expectOk(await set(user, 'override', 'a', 'enabled', false), section), {}, section);
    same(await user.get200('GET', rulePath('override', 'a', 'enabled')), { enabled: false }, section);
    const actions = ['notify', { set_tweak: 'sound', value: 'bing' }];
    expectOk(await set(user, 'override', 'a', 'actions', actions), section);
    same(await user.get200('GET', rulePath('override', 'a', 'actions')), { actions }, section);
    const made = await user.get200('GET', rulePath('override', 'a'));
    same([made['enabled'], made['actions']], [false, actions], section);
  });

  it('change a default rule, for this user alone', async () => {
    const [user, other] = await Promise.all([shared.user(), shared.user()]);
    expectOk(await set(user, 'override', '.m.rule.master', 'enabled', true), section);
    expectOk(await set(user, 'underride', '.m.rule.message', 'actions', []), section);
    const [master] = await rules(user, 'override');
    same([master?.rule_id, master?.enabled, master?.default], ['.m.rule.master', true, true], section);
    same(
      await user.get200('GET', rulePath('underride', '.m.rule.message', 'actions')),
      { actions: [] },
      section,
    );
    same((await rules(other, 'override'))[0]?.enabled, false, section);
    expectOk(await set(user, 'override', '.m.rule.master', 'enabled', false), section);
    same((await rules(user, 'override'))[0]?.enabled, false, section);
  });

  it('answer 404 for what is not there', async () => {
    const user = await shared.user();
    for (const [kind, id] of [
      ['override', 'none'],
      ['override', '.m.rule.none'],
      ['underride', '.m.rule.master'],
    ] as const) {
      expectError(await set(user, kind, id, 'enabled', true), 404, 'M_NOT_FOUND', `${section}, enabled, 404`);
      expectError(await set(user, kind, id, 'actions', []), 404, 'M_NOT_FOUND', `${section}, actions, 404`);
    }
  });

  it('refuse what is no boolean and no list of actions', async () => {
    const user = await shared.user();
    const codes = ['M_BAD_JSON', 'M_MISSING_PARAM', 'M_INVALID_PARAM'];
    for (const value of ['true', 1, null])
      expectError(await set(user, 'override', '.m.rule.master', 'enabled', value), 400, codes, section);
    for (const value of ['notify', [1], null, ['zz'], ['notify', 'NOTIFY']])
      expectError(await set(user, 'override', '.m.rule.master', 'actions', value), 400, codes, section);
    const legacy = await set(user, 'override', '.m.rule.master', 'actions', ['dont_notify', 'coalesce']);
    expectOk(legacy, 'CS API, Historical Actions');
  });
});

describe('m.push_rules', () => {
  const events = 'CS API, Push Rules: Events';
  const find = (data: readonly { readonly type: string; readonly content: Json }[] | undefined) =>
    data?.find(({ type }) => type === 'm.push_rules')?.content;

  it('comes in a first sync, the default rules where nothing was changed', async () => {
    const user = await shared.user();
    const whole = await user.get200('GET', path('pushrules', ''));
    same(find((await user.sync()).account_data?.events), whole, events);
  });

  it('comes again, whole, after each change, and not without one', async () => {
    const user = await shared.user();
    let since = (await user.sync()).next_batch;
    for (const change of [
      () => override(user, 'a'),
      () => user.ask('PUT', rulePath('override', 'a', 'enabled'), { json: { enabled: false } }),
      () => user.ask('PUT', rulePath('override', '.m.rule.master', 'actions'), { json: { actions: [] } }),
      () => user.ask('DELETE', rulePath('override', 'a')),
    ]) {
      expectOk(await change(), events);
      const answer = await user.sync({ since, timeout: 5_000 });
      const whole = await user.get200('GET', path('pushrules', ''));
      same(find(answer.account_data?.events), whole, events);
      since = answer.next_batch;
    }
    same(find((await user.sync({ since })).account_data?.events), undefined, events);
    same(
      find((await user.sync()).account_data?.events),
      await user.get200('GET', path('pushrules', '')),
      events,
    );
  });

  it('wakes a device that waits', async () => {
    const user = await shared.user();
    const { next_batch } = await user.sync();
    const waiting = user.sync({ since: next_batch, timeout: 10_000 });
    expectOk(await override(user, 'late'), events);
    check(JSON.stringify((await waiting).account_data).includes('late'), events);
  });

  it('can be read as account data, and not be written so', async () => {
    const user = await shared.user();
    expectOk(await override(user, 'a'), events);
    const where = path('user', user.userId, 'account_data', 'm.push_rules');
    same(await user.get200('GET', where), await user.get200('GET', path('pushrules', '')), events);
    const answer = await user.ask('PUT', where, { json: { global: {} } });
    expectError(answer, 405, 'M_BAD_JSON', 'CS API, PUT account_data, 405');
  });

  it('has what two devices changed at once', async () => {
    const user = await shared.user();
    const other = await login(shared.http, user.userId, 'correct horse battery');
    const ids = Array.from({ length: 12 }, (_, i) => `rule${i}`);
    const answers = await Promise.all(ids.map((id, i) => override(i % 2 === 0 ? user : other, id)));
    for (const answer of answers) expectOk(answer, events);
    same((await own(user, 'override')).toSorted(), ids.toSorted(), `${events}: the current push rules`);
  });
});
