import { hash } from 'node:crypto';

/**
 * How quick one core is at this moment: SHA-256 hashes of 1 KiB per second, over a quarter of a second. Printed
 * beside every figure, because a shared machine's figures can be compared only with it in hand.
 */
export function calibrate(): number {
  const data = 'x'.repeat(1024);
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < 250) {
    for (let i = 0; i < 100; i++) hash('sha256', data);
    count += 100;
  }
  return Math.round((count / (performance.now() - start)) * 1000);
}
