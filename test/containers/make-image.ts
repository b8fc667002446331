/**
 * An image of Kafka from nothing, where none can be pulled: a Debian with a Java runtime by `debootstrap`, from
 * where this machine's own packages come, and the jars that `npm run kafka` runs. Needs root and a container engine.
 *
 *   node src/main/launch.js --script test/containers/make-image.ts [NAME]
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaJars, kafkaVersion } from '../support/kafka/jars.ts';
import { ROOT } from '../support/milena-process.ts';

/** The release that has Java 17, which Kafka's present versions need at least. */
const release = 'bookworm';

const name = process.argv[2] ?? `milena-kafka:${kafkaVersion}`;
const root = join(ROOT, '.cache/containers/root');
const finished = join(root, 'usr/bin/java');

if (!existsSync(finished)) {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const options = ['--variant=minbase', '--include=openjdk-17-jre-headless', release, root];
  execFileSync('debootstrap', options, { stdio: 'inherit' });
}
cpSync(await kafkaJars(), join(root, 'opt/kafka/libs'), { recursive: true });

const unused = ['var/cache', 'var/lib/apt', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'];
const tar = spawn('tar', ['-c', ...unused.map((path) => `--exclude=./${path}/*`), '-C', root, '.'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const docker = spawn('docker', ['import', '-', name], { stdio: ['pipe', 'inherit', 'inherit'] });
tar.stdout.pipe(docker.stdin);
const codes = await Promise.all([once(tar, 'close'), once(docker, 'close')]);
if (codes.some(([code]) => code !== 0)) throw new Error('the image could not be made');
process.stdout.write(`KAFKA_IMAGE=${name}\n`);
