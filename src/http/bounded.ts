/** `work` for every item, so many at a time; results in the order of the items. Rejects with the first failure. */
export async function mapBounded<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  const entries = items.entries();
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    // One iterator for all workers: each takes the next item that nobody has taken.
    for (const [index, item] of entries) results[index] = await work(item);
  });
  await Promise.all(workers);
  return results;
}
