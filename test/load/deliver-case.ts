import { Http } from '../support/http.ts';
import { measure } from './measure.ts';
import { people, roomOf } from './population.ts';
import type { Row } from './report.ts';
import { type Effort, rowOf } from './send-cases.ts';
import type { Target } from './target.ts';

/** From a send to the event in the other's waiting sync. */
export async function delivery(target: Target, effort: Effort): Promise<Row> {
  const http = new Http(target.url);
  const [from, to] = await people(http, 2);
  if (from === undefined || to === undefined) throw new Error('two people');
  const roomId = await roomOf([from, to]);
  http.close();
  const { median } = await measure(
    target,
    {
      kind: 'deliver',
      url: target.url,
      from: { token: from.token, roomId },
      to: to.token,
      times: 200,
      seconds: Math.max(20, effort.seconds),
    },
    effort.times,
  );
  return rowOf('send to the other’s sync', median);
}
