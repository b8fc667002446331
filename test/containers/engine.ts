import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { installedByNpm } from '../support/installed.ts';
import { ROOT } from '../support/milena-process.ts';

/** What is used of the package `testcontainers`, which is not among the server's own dependencies. */
interface Testcontainers {
  getContainerRuntimeClient(): Promise<{
    readonly info: { readonly containerRuntime: { readonly host: string } };
    readonly image: { exists(name: ImageName): Promise<boolean>; pull(name: ImageName): Promise<void> };
  }>;
  readonly ImageName: { fromString(name: string): ImageName };
  readonly GenericContainer: new (image: string) => NewContainer;
}

interface ImageName {
  readonly string: string;
}

/** A container that is being described; see the documentation of testcontainers' `GenericContainer`. */
export interface NewContainer {
  withEntrypoint(entrypoint: string[]): this;
  withExposedPorts(port: { container: number; host: number }): this;
  withCopyContentToContainer(contents: { content: string; target: string; mode: number }[]): this;
  withStartupTimeout(milliseconds: number): this;
  start(): Promise<RunningContainer>;
}

/** A container that runs. */
export interface RunningContainer {
  stop(): Promise<unknown>;
  /** A folder of the container as a tar archive. */
  copyArchiveFromContainer(path: string): Promise<Readable>;
}

/** A container engine that answers. */
export interface Engine {
  /** The address at which published ports answer. */
  readonly host: string;
  /** Describes a container of an image that is there. */
  container(image: string): NewContainer;
  /** Has the image there, pulling it if need be. @throws when it cannot be had, or not within a minute. */
  fetch(image: string): Promise<void>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Where engines listen: Docker's own place, and those of engines that run as an ordinary user. */
function sockets(): readonly string[] {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`;
  return ['/var/run/docker.sock', `${runtime}/docker.sock`, join(homedir(), '.docker/run/docker.sock')];
}

/** The engine that `DOCKER_HOST` or a socket in the usual places names; or why there is none. */
export async function containerEngine(): Promise<Engine | { readonly skip: string }> {
  const named = process.env['DOCKER_HOST'] ?? '';
  if (named === '' && !sockets().some((socket) => existsSync(socket)))
    return { skip: 'no Docker engine here: DOCKER_HOST is not set and there is no socket' };
  // Its reaper is one more image to have. Our containers end by themselves instead.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const folder = join(ROOT, '.cache/containers');
  installedByNpm(folder, HERE);
  // Not resolvable from here: what is used of it is stated above, and its version is pinned.
  const { getContainerRuntimeClient, ImageName, GenericContainer } = createRequire(
    join(folder, 'package.json'),
  )('testcontainers') as Testcontainers;
  try {
    const { info, image } = await getContainerRuntimeClient();
    const { host } = info.containerRuntime;
    return {
      // The loopback has two addresses by that name, and ports are published on one of them for sure.
      host: host === 'localhost' ? '127.0.0.1' : host,
      container: (name) => new GenericContainer(name),
      fetch: async (name) => {
        const parsed = ImageName.fromString(name);
        if (!(await image.exists(parsed))) await within(60_000, image.pull(parsed));
      },
    };
  } catch (error) {
    return { skip: `no Docker engine answers: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** @throws Error when the work takes longer; it goes on in the engine, for the next time. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`not within ${milliseconds / 1_000} s`)),
    milliseconds,
  );
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
