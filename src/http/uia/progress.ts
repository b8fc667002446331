import { isStage, type Proven, type Stage } from './stage.ts';
import type { UiaSession } from './uia-session.ts';

/** Whether a stage comes next in some flow: stages must be completed in order. */
export function comesNext({ flows, completed }: UiaSession, type: string): type is Stage {
  if (!isStage(type)) return false;
  return flows.some(
    (flow) => flow[completed.length] === type && completed.every((stage, index) => flow[index] === stage),
  );
}

/** Whether the stage has been completed. */
export function hasStage({ completed }: UiaSession, type: string): boolean {
  return completed.some((stage) => stage === type);
}

/** The session with a stage completed; the same where another request was quicker. */
export function withStage(session: UiaSession, stage: Stage, proven: Proven): UiaSession {
  if (!comesNext(session, stage)) return session;
  return {
    ...session,
    completed: [...session.completed, stage],
    proven: { ...session.proven, ...proven },
  };
}

/** Whether all stages of some flow are completed. */
export function isComplete({ flows, completed }: UiaSession): boolean {
  return flows.some(
    (flow) => flow.length === completed.length && flow.every((stage, index) => completed[index] === stage),
  );
}
