// Preloaded (`--import`) into a server under test: its wall clock is off by as many milliseconds as stand in the file
// that TEST_CLOCK_FILE names, read anew every few milliseconds. The monotonic clock and timers are the machine's.
import { readFileSync } from 'node:fs';

const Real = Date;
let off = 0;
let readAt = Number.NEGATIVE_INFINITY;

function offset() {
  const now = performance.now();
  if (now - readAt > 20) {
    readAt = now;
    off = Number(readFileSync(process.env.TEST_CLOCK_FILE, 'utf8'));
  }
  return off;
}

globalThis.Date = class extends Real {
  constructor(...parts) {
    if (parts.length === 0) super(Real.now() + offset());
    else super(...parts);
  }

  static now() {
    return Real.now() + offset();
  }
};
