import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Logger } from 'pino';
import type { ProjectorMessages } from '../../projections/framework/channels.ts';

/** Logs what the projectors tell and an operator should know: poison, failures, rebuilds. */
export function reportProjections(logger: Logger): Disposable {
  // The framework publishes these shapes on channels of these names.
  const poison = (message: unknown): void =>
    logger.error(message as ProjectorMessages['poison'], 'a record was set aside; milena status names it');
  const failure = (message: unknown): void => {
    const { error, ...facts } = message as ProjectorMessages['error'];
    logger.warn({ ...facts, err: error }, 'a batch could not be committed; it is tried again');
  };
  const rebuild = (message: unknown): void => {
    const { error, ...facts } = message as ProjectorMessages['rebuild'];
    logger.info({ ...facts, ...(error === undefined ? {} : { err: error }) }, 'a read model is rebuilt');
  };
  const listeners = { poison, error: failure, rebuild } as const;
  for (const [name, listen] of Object.entries(listeners)) subscribe(`milena:projector:${name}`, listen);
  return {
    [Symbol.dispose]() {
      for (const [name, listen] of Object.entries(listeners)) unsubscribe(`milena:projector:${name}`, listen);
    },
  };
}
