import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import { type Codec, createCodec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import { SchemaLookup } from '../log/schema-records.ts';
import { ContentKeys } from '../log/sealing/content-keys.ts';
import type { MasterKey } from '../log/sealing/master-key.ts';
import { asServerName } from '../matrix/identifiers.ts';
import { nodeSigner } from '../matrix/node-signing.ts';
import { sodiumVerifier } from '../matrix/sodium-signing.ts';
import type { Keys } from '../rooms/decide.ts';
import { openDataFolder } from './data-folder/folder.ts';
import { type DataLock, lockDataFolder } from './data-folder/lock.ts';
import { internalSecret, signingKey } from './data-folder/secrets.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/start.ts';
import { embeddedPostgresMajor } from './embedded-postgres/version.ts';
import { openLog } from './open-log.ts';
import { openMaster } from './open-master.ts';

/** What every process of the server is built on: its data folder, Postgres, the log and the keys. */
export interface Core extends AsyncDisposable {
  readonly config: Config;
  readonly postgresUrl: string;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly contentKeys: ContentKeys;
  /** Finds on the log the schemas of records that other versions wrote. */
  readonly schemas: SchemaLookup;
  readonly master: MasterKey;
  readonly keys: Keys;
  readonly internalSecret: string;
  /** True when this start made the data. */
  readonly isNew: boolean;
  /** What the operator should know about this start. */
  readonly notes: readonly string[];
  /** What deserves a loud word when a server starts on it. */
  readonly warnings: readonly string[];
  /** Resolves with the reason when the embedded Postgres ends by itself; never when it is elsewhere. */
  readonly failed: Promise<string>;
  /** Undefined when Postgres is elsewhere. */
  readonly lock: DataLock | undefined;
}

/**
 * Opens all that, in the order in which it must be closed again.
 * @param doing what for, told to whoever meets the lock.
 */
export async function openCore(config: Config, doing: string): Promise<Core> {
  const embedded = config.postgresUrl === undefined;
  await using stack = new AsyncDisposableStack();
  const folder = await openDataFolder({
    path: config.data,
    serverName: config.serverName,
    log: config.log,
    postgresMajor: embedded ? embeddedPostgresMajor : null,
    version,
  });
  const lock = embedded ? stack.use(await lockDataFolder(config.data, doing)) : undefined;
  const postgres = embedded ? stack.use(await startEmbeddedPostgres({ folder: config.data })) : undefined;
  const postgresUrl = postgres?.url ?? config.postgresUrl ?? '';
  const codec = createCodec();
  const warnings: string[] = [];
  const log = await openLog(config, postgresUrl, embedded, (text) => warnings.push(text)).catch(
    (error: unknown) => {
      throw isMilenaError(error, 'LOG_UNAVAILABLE') ? unreachable(config, postgresUrl, error) : error;
    },
  );
  stack.defer(() => log.close());
  const master = await openMaster(log, codec, config.data);
  const keys = await signingKeys(config);
  const kept = stack.move();
  return {
    config,
    postgresUrl,
    log,
    codec,
    contentKeys: new ContentKeys(log, codec, master),
    schemas: new SchemaLookup(log, codec),
    master,
    keys,
    internalSecret: config.internalSecret ?? (await internalSecret(config.data)),
    isNew: folder.isNew,
    notes: postgres?.notes ?? [],
    warnings,
    failed: failureOf(postgres),
    lock,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Says what cannot be reached, without the password that stands in a URL. */
function unreachable(config: Config, postgresUrl: string, cause: unknown): MilenaError {
  const where =
    config.log === 'kafka'
      ? `Kafka at ${config.kafkaBrokers.join(', ')}`
      : `Postgres at ${new URL(postgresUrl).host}`;
  return new MilenaError('START_FAILED', `${where} cannot be reached.`, { cause });
}

async function signingKeys(config: Config): Promise<Core['keys']> {
  const { keyId, seed } = await signingKey(config.signingKey);
  const name = keyId.replace(/^ed25519:/, '');
  const signer = nodeSigner(asServerName(config.serverName), name, seed);
  return { signer, verifier: await sodiumVerifier() };
}

function failureOf(postgres: EmbeddedPostgres | undefined): Promise<string> {
  return new Promise((resolve) => {
    void postgres?.ended.then((reason) => {
      if (reason !== undefined) resolve(reason);
    });
  });
}
