/** What can be wrong with what is given to the state tree. */
export type StateTreeFault =
  /** A type, state key or event ID that has no UTF-8 form (a lone surrogate) or is over 65,535 bytes. */
  | 'unencodable'
  /** Bytes that no tree encodes to, or that are not what their name says. */
  | 'corrupt'
  /** A node that a store should have and hasn't; an event that resolution needs and its source hasn't. */
  | 'missing'
  /** Two trees that place their keys by different functions. */
  | 'incomparable';

/** The only error this folder throws. It is never the fault of a client's request that passed event checks. */
export class StateTreeError extends Error {
  override readonly name = 'StateTreeError';
  /** Which of the faults. */
  readonly fault: StateTreeFault;

  constructor(fault: StateTreeFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
