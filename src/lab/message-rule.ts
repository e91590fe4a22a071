/**
 * Rules for single messages on peer links: hold one back and let it go later,
 * lose one, repeat one. A rule counts what it acted on; one that never acted
 * shows that a fault was not met.
 */
import { covers } from './link-condition.ts';
import type { Direction } from './link-condition.ts';
import type { PassingMessage } from './peer-frames.ts';

/**
 * `hold`: the message waits until it is released, those behind it go on;
 * `drop`: it never arrives; `break`: the connection breaks off before it
 * arrives, with what came behind it; `duplicate`: it arrives twice.
 */
export const MESSAGE_ACTIONS = ['hold', 'drop', 'break', 'duplicate'] as const;
/** What a rule does. */
export type MessageAction = (typeof MESSAGE_ACTIONS)[number];

/** Which messages, and what happens to them. */
export interface MessageRule extends Direction {
  /** `prepare`, `vote`, …; absent: any. */
  readonly type?: string | undefined;
  /** Only messages of this attempt. */
  readonly number?: string | undefined;
  /** Only the nth that fits, from 1; absent: all. */
  readonly hit?: number | undefined;
  readonly action: MessageAction;
}

/** A message that waits. */
export interface HeldMessage extends Direction {
  readonly message: PassingMessage;
}

/** A rule at work. */
export class ActiveRule {
  readonly rule: MessageRule;
  /** How many messages fitted, and on how many it acted. */
  matches = 0;
  hits = 0;

  constructor(rule: MessageRule) {
    this.rule = rule;
  }

  /** Whether it acts on this message. */
  takes(direction: Direction, message: PassingMessage): boolean {
    const { rule } = this;
    if (!covers(rule, direction)) return false;
    if (rule.type !== undefined && rule.type !== message.type) return false;
    if (rule.number !== undefined && rule.number !== message['number']) return false;
    this.matches += 1;
    if (rule.hit !== undefined && rule.hit !== this.matches) return false;
    this.hits += 1;
    return true;
  }
}
