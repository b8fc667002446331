// Loaded with `--import` before a Milena process: its clock goes ahead by MILENA_TEST_CLOCK_AHEAD milliseconds.
const ahead = Number(process.env['MILENA_TEST_CLOCK_AHEAD'] ?? 0);
const real = Date.now;
globalThis.Date = class extends Date {
  /** @param {any[]} given */
  constructor(...given) {
    if (given.length === 0) super(real() + ahead);
    // @ts-expect-error What was given goes on as it is, whichever form of the constructor it is for.
    else super(...given);
  }

  static now() {
    return real() + ahead;
  }
};
