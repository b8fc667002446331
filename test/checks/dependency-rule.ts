import { createRequire } from 'node:module';
import { cruise, type ICruiseOptions, type IForbiddenRuleType } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/**
 * `npm run deps`: holds the imports against the table in .dependency-cruiser.cjs. dependency-cruiser is content
 * with nothing when it cannot read TypeScript, so the number of modules it saw is asserted too.
 */
const leastModules = 30;

const require = createRequire(import.meta.url);
// The cast: dependency-cruiser checks the file's shape itself.
const config = require('../../.dependency-cruiser.cjs') as {
  forbidden: IForbiddenRuleType[];
  options: ICruiseOptions;
};

const { output } = await cruise(
  ['src', 'projections', 'test'],
  { ...config.options, ruleSet: { forbidden: config.forbidden }, validate: true },
  undefined,
  { tsConfig: extractTSConfig('tsconfig.json') },
);
if (typeof output === 'string') throw new Error(`expected a result, not text: ${output}`);

const seen = output.modules.filter((module) => /^(src|projections)\/.*\.ts$/.test(module.source));
const known = seen.filter((module) => module.dependencies.length > 0);
for (const { rule, from, to } of output.summary.violations) console.log(`✖ ${rule.name}: ${from} → ${to}`);
if (known.length < leastModules) console.log(`✖ only ${known.length} modules with imports were seen`);
console.log(`${seen.length} modules, ${output.summary.violations.length} violations`);
process.exitCode = output.summary.violations.length === 0 && known.length >= leastModules ? 0 : 1;
