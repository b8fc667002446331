import { Http } from '../support/http.ts';

/** The samples of a Prometheus text exposition: `name{labels}` and its value. */
export type Samples = ReadonlyMap<string, number>;

/** Reads the metrics endpoint of each URL and adds the samples up. */
export async function readMetrics(urls: readonly string[]): Promise<Samples> {
  const sum = new Map<string, number>();
  for (const url of urls) {
    const http = new Http(new URL(url).origin, 1);
    const answer = await http.ask('GET', new URL(url).pathname).finally(() => http.close());
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${answer.text.slice(0, 200)}`);
    for (const [name, value] of parseMetrics(answer.text)) sum.set(name, (sum.get(name) ?? 0) + value);
  }
  return sum;
}

/** Parses the text format: comment lines begin with #, a sample is its name and a number. */
export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** How much a counter rose, over all its labels that `labels` accepts. */
export function rise(
  before: Samples,
  after: Samples,
  name: string,
  labels = (_: string): boolean => true,
): number {
  let total = 0;
  for (const [key, value] of after)
    if ((key === name || key.startsWith(`${name}{`)) && labels(key)) total += value - (before.get(key) ?? 0);
  return total;
}
