import type { Counted } from '../../src/matrix/notifying.ts';
import type { PushPlan } from '../../src/matrix/push-plan.ts';
import { evaluate } from '../../src/matrix/push-rules.ts';
import { scanTakes } from '../../src/matrix/push-scan.ts';
import type { Reader } from './reading.ts';
import { highlights, matters, mentionLevels, type TailEvent } from './tail-event.ts';
import { isIgnored, planIn, pushEvent } from './user-rules.ts';

/**
 * What events of the tail count for one user in one room: by the arithmetic of `src/matrix/notifying.ts`, but for
 * those that the user's rules may see otherwise. Of these the rules are asked.
 */
export class RuledCounting {
  private readonly reader: Reader;
  private readonly plan: PushPlan;
  private readonly memberCount: number | undefined;

  /** @param memberCount how many are in the room; undefined where the rules do not care. */
  constructor(reader: Reader, memberCount: number | undefined) {
    this.reader = reader;
    this.memberCount = memberCount;
    this.plan = planIn(reader.rules, reader.userId, reader.roomId, memberCount);
  }

  /** Whether the rules may say something else of what comes from this event on: with other members. */
  endsWith(event: TailEvent): boolean {
    return this.memberCount !== undefined && event.membership !== undefined;
  }

  /** Whether an event may count for those who have not sent it. */
  matters(event: TailEvent): boolean {
    if (this.plan.silent || isIgnored(this.reader.rules, event.event)) return false;
    return matters(event) || this.isForRules(event);
  }

  /** What an event counts; undefined when the tail does not tell what is needed to say so. */
  of(event: TailEvent): Counted | undefined {
    if (event.mentionsRoom && event.roomMentionCounts === undefined) return undefined;
    if (this.isForRules(event)) return this.byRules(event);
    const highlight = highlights(event, this.reader.userId);
    return { notify: highlight || (event.notifies && this.plan.base), highlight };
  }

  /** What was redacted counts nothing, and one's own membership neither: an invitation is nothing unread. */
  private isForRules({ event, membership }: TailEvent): boolean {
    if (membership !== undefined && event.state_key === this.reader.userId) return false;
    return event.redacted_because === undefined && scanTakes(this.plan.scan, event);
  }

  private byRules(event: TailEvent): Counted | undefined {
    const { plan, reader, memberCount = 0 } = this;
    const { userId, rules } = reader;
    if (plan.needsDisplayName || plan.needsLevels || rules.rules === undefined) return undefined;
    const context = { userId, displayName: undefined, memberCount, levels: mentionLevels(event) };
    return evaluate(rules.rules, pushEvent(event.event), context);
  }
}
