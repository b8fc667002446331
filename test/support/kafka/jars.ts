import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The broker that is started unless `MILENA_KAFKA_VERSION` names another (3.9.2 works too). */
export const kafkaVersion = process.env['MILENA_KAFKA_VERSION'] ?? '4.4.0';

const cache = join(import.meta.dirname, '..', '..', '..', '.cache', 'kafka');

/** What Maven needs to know: one dependency, whose dependencies it brings along. */
function pom(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>milena</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>
`;
}

/**
 * The folder with the broker's jars (43 MB), fetched from Maven Central once and kept in `.cache/kafka/`.
 * @throws Error whose message says what this machine lacks.
 */
export function kafkaJars(): Promise<string> {
  fetching ??= fetchOnce();
  return fetching;
}

/** Suites of one process ask at the same moment; they share the folder that Maven works in. */
let fetching: Promise<string> | undefined;

async function fetchOnce(): Promise<string> {
  const folder = join(cache, kafkaVersion);
  if (await isFolder(folder)) return folder;
  await available('mvn', ['-v'], 'Maven (mvn)');
  // Two processes may do this at once: each works in a folder of its own, and the first to finish names it.
  const work = join(cache, `.${kafkaVersion}-${process.pid}`);
  await mkdir(work, { recursive: true });
  try {
    await writeFile(join(work, 'pom.xml'), pom(kafkaVersion));
    await fetchJars(work);
    await rename(join(work, 'jars'), folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function fetchJars(work: string): Promise<void> {
  const jars = join(work, 'jars');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  try {
    await run('mvn', ['-q', '-B', '-f', join(work, 'pom.xml'), ...goal], { timeout: 300_000 });
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    const why = said.split('\n').find((line) => line.includes('ERROR')) ?? String(error);
    throw new Error(`Maven could not fetch Kafka ${kafkaVersion}: ${why.slice(0, 300)}`, { cause: error });
  }
  if ((await readdir(jars)).length < 20) throw new Error(`Maven fetched too little of Kafka ${kafkaVersion}`);
}

/**
 * Makes sure that a command can be run.
 * @throws Error that names it otherwise.
 */
export async function available(command: string, args: readonly string[], name: string): Promise<void> {
  try {
    await run(command, [...args], { timeout: 60_000 });
  } catch (error) {
    throw new Error(`${name} is not installed here`, { cause: error });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
