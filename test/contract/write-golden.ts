import { createCodec, currentSchemas } from '../../src/log/codec.ts';
import { goldenFiles, samples, writeGolden } from './golden.ts';

/** Writes golden files for schemas that are new or have changed compatibly. Old files stay as they are. */
const codec = createCodec();
const known = new Set(goldenFiles().map((golden) => golden.fingerprint));
for (const { name, fingerprint, schema } of currentSchemas) {
  if (known.has(fingerprint)) continue;
  const value = samples[name];
  writeGolden({ type: name, fingerprint, schema, value, bytes: codec.encode(name, value) });
  process.stdout.write(`wrote ${name}.${fingerprint}.json\n`);
}
