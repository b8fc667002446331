/**
 * The dependency rule: the table of docs/architecture.md, section 2, as data. `npm run deps` checks it and that
 * modules were seen at all. A folder may always import itself, and packages from npm unless it is pure.
 */

/** Folder → the folders it may import. */
const may = {
  'src/matrix': [],
  'src/state': ['src/matrix'],
  'src/rooms': ['src/matrix', 'src/state'],
  'src/users': ['src/matrix', 'src/state'],
  'src/server': ['src/matrix', 'src/state'],
  'src/log': ['src/matrix'],
  'src/owner': ['src/rooms', 'src/users', 'src/server', 'src/log', 'src/matrix', 'src/state'],
  projections: ['src/log', 'src/matrix', 'src/state'],
  // Pure functions of keys: which partition one has, and what the keys of the topic `server` look like.
  'src/sessions': [],
  'src/http': ['src/owner', 'projections', 'src/sessions', 'src/matrix', 'src/log/(slot|resource-keys)\\.ts'],
  'src/federation': ['src/matrix', 'src/owner', 'projections'],
  'src/managers': ['src/log', 'src/owner', 'projections', 'src/federation', 'src/matrix'],
  'src/config': [],
  'src/errors': [],
  'src/telemetry': [],
};

/**
 * Files whose types alone a folder may import besides, with the reason. Types are gone at run time.
 */
const mayTypes = {
  // What an aggregate decides and evolves: the shapes of records and commands.
  'src/rooms': ['src/log/records.ts', 'src/owner/commands.ts'],
  'src/users': ['src/log/records.ts', 'src/owner/commands.ts', 'src/owner/account-commands.ts'],
  'src/server': ['src/log/records.ts', 'src/owner/commands.ts', 'src/owner/registration-token-commands.ts'],
  // The port that the owner declares and the read models implement.
  projections: ['src/owner/loader.ts'],
  // Tokens and reads speak of topics; the internal routes answer what the command line asks.
  'src/http': ['src/log/topics.ts', 'src/log/port.ts', 'src/cli/house.ts'],
};

/** Folders of values and functions: no input or output, no clock, no chance. */
const pure = ['src/matrix', 'src/state', 'src/rooms', 'src/users', 'src/server'];

/** What all but the pure may import. */
const common = ['src/config', 'src/errors', 'src/telemetry'];

/** Tests stand beside what they test, and use what they need. */
const beside = '\\.(test|fixture)\\.ts$';

const rules = Object.entries(may).map(([folder, allowed]) => {
  const all = [folder, ...allowed, ...(pure.includes(folder) ? [] : common), 'schemas', 'package\\.json'];
  return {
    name: `${folder} imports only what the table allows`,
    severity: 'error',
    from: { path: `^${folder}/`, pathNot: beside },
    to: {
      path: '^(src|projections|test|schemas|package\\.json)',
      pathNot: `^(${all.join('|')})(/|$)`,
      dependencyTypesNot: ['type-only'],
    },
  };
});

/** The same for types, which may come from a few files more. */
const typeRules = rules.map(({ from, to }, index) => {
  const [folder = ''] = Object.keys(may).slice(index);
  const files = (mayTypes[folder] ?? []).map((file) => file.replace('.', '\\.'));
  return {
    name: `${folder} imports only what the table allows, types too`,
    severity: 'error',
    from,
    to: {
      path: to.path,
      pathNot: [to.pathNot, ...files.map((file) => `^${file}$`)],
      dependencyTypes: ['type-only'],
    },
  };
});

module.exports = {
  forbidden: [
    ...rules,
    ...typeRules,
    {
      name: 'the pure folders reach nothing outside',
      severity: 'error',
      from: { path: `^(${pure.join('|')})/`, pathNot: beside },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'the product imports no test',
      severity: 'error',
      from: { path: '^(src|projections)/', pathNot: beside },
      to: { path: `^test/|${beside}` },
    },
    {
      name: 'nothing imports in a circle',
      severity: 'error',
      from: { path: '^(src|projections)/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'what is imported is there and declared',
      severity: 'error',
      from: { path: '^(src|projections|test)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/clients/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
