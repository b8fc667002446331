/** Promises of the architecture's section 11 that did not hold. Empty is what a test wants. */
export class Violations {
  readonly #seen: string[] = [];
  #count = 0;

  /** Notes one. Only the first hundred are kept: what follows is mostly the same. */
  add(text: string): void {
    this.#count += 1;
    if (this.#seen.length < 100) this.#seen.push(text);
  }

  get count(): number {
    return this.#count;
  }

  /** A line each, the first twenty of them. */
  toString(): string {
    const more = this.#count > 20 ? `\n… and ${this.#count - 20} more` : '';
    return this.#seen.slice(0, 20).join('\n') + more;
  }
}
