/** Kafka's error codes that we tell apart (https://kafka.apache.org/protocol#protocol_error_codes). */
export const codes = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  concurrentTransactions: 51,
  storageError: 56,
  unknownProducerId: 59,
  fetchSessionNotFound: 70,
  invalidFetchSessionEpoch: 71,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  producerFenced: 90,
} as const;

/** An error code in a broker's reply. */
export class BrokerRefused extends Error {
  readonly code: number;

  constructor(code: number, what: string) {
    super(`the broker answered ${what} with error ${code}`);
    this.name = 'BrokerRefused';
    this.code = code;
  }
}

/** The request never left this process. */
export class NotSent extends Error {
  constructor(cause: unknown) {
    super(`no connection to the broker: ${textOf(cause)}`, { cause });
    this.name = 'NotSent';
  }
}

/** The request left, and no answer came: whether it was carried out is not known. */
export class NotAnswered extends Error {
  constructor(cause: unknown) {
    super(`no answer from the broker: ${textOf(cause)}`, { cause });
    this.name = 'NotAnswered';
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The Kafka error code in an error of ours or of kafkajs (which keeps the cause of what it gave up on). */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  return codeOf(error.cause);
}

/** Where the partition is led from, or whether it can be written, is changing: the same request may do later. */
const passing: ReadonlySet<number> = new Set([
  codes.unknownTopicOrPartition,
  codes.leaderNotAvailable,
  codes.notLeader,
  codes.requestTimedOut,
  codes.coordinatorLoading,
  codes.coordinatorNotAvailable,
  codes.notCoordinator,
  codes.notEnoughReplicas,
  codes.notEnoughReplicasAfterAppend,
  codes.concurrentTransactions,
  codes.storageError,
  codes.fencedLeaderEpoch,
  codes.unknownLeaderEpoch,
  codes.offsetNotAvailable,
]);

/** Whether a refusal passes by itself (an election, a coordinator that loads, too few replicas). */
export function isPassing(code: number | undefined): boolean {
  return code !== undefined && passing.has(code);
}
