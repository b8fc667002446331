/**
 * Preloaded by launch.js where the launcher stays as this process's parent: when it is gone, SIGKILL included,
 * this process gets a SIGTERM, so that nobody is left running whom nobody started.
 */
import { Socket } from 'node:net';

const fd = Number(process.env.MILENA_PARENT_FD);
delete process.env.MILENA_PARENT_FD;
if (Number.isInteger(fd)) {
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on('error', () => {});
  pipe.on('close', () => process.kill(process.pid, 'SIGTERM'));
  pipe.resume();
  pipe.unref(); // It must not keep the process alive.
}
