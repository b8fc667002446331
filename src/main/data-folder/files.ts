import { randomBytes } from 'node:crypto';
import { chown, link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';

/**
 * Creates a file with its whole content or not at all, mode 0600, on the disk before it has its name. Of several
 * processes that try at once, one wins.
 * @returns false when the file existed: it is as it was.
 */
export async function createFile(path: string, content: string | Uint8Array): Promise<boolean> {
  const temporary = await writeTemporary(path, content);
  try {
    // A link fails where the name is taken; a rename would replace what another process just made.
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw fileError(error, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Replaces a file by another content in one step, mode 0600. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = await writeTemporary(path, content);
  await rename(temporary, path);
}

async function writeTemporary(path: string, content: string | Uint8Array): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await file.writeFile(content);
    await file.sync();
    await giveToOwnerOf(dirname(path), temporary);
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
}

/** When root works in someone's folder, what it makes there stays theirs. */
export async function giveToOwnerOf(folder: string, path: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  if (uid !== 0) await chown(path, uid, gid);
}

/** The system's code of a file error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A START_FAILED that says in plain words what is the matter with `path`. */
export function fileError(error: unknown, path: string): MilenaError {
  return new MilenaError('START_FAILED', `${path}: ${plainWords(error)}`, { cause: error });
}

function plainWords(error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full. Make room, then start again; nothing is lost.';
    case 'EACCES':
    case 'EPERM':
      return `this user (uid ${process.geteuid?.()}) may not write here. Start as the folder's owner, or choose another folder with MILENA_DATA.`;
    case 'EROFS':
      return 'the file system is read-only. Choose another folder with MILENA_DATA.';
    case 'ENOTDIR':
      return 'a part of this path is not a folder.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
