/**
 * Which repeatable commands of one device an aggregate has seen: 52 bits of each one's name, about 40 bytes. It
 * says for certain what is new, which is all that a send needs to know; of what may be known the model has the
 * result. (One new command in a thousand million is taken for known, and asked for in vain.)
 */
export class KnownNames {
  readonly #names = new Set<number>();

  /** @param ids of commands, 32 hex digits each (`command-id.ts`). */
  constructor(ids: Iterable<string>) {
    for (const id of ids) this.add(id);
  }

  /** Notes a command. */
  add(id: string): void {
    this.#names.add(nameOf(id));
  }

  /** False when the command was certainly never noted. */
  mayHave(id: string): boolean {
    return this.#names.has(nameOf(id));
  }
}

function nameOf(id: string): number {
  return Number.parseInt(id.slice(16, 29), 16);
}
