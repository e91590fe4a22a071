/** The subjects of the bench, in the order they run. */
import type { Subject } from './bench-context.ts';
import { chatSubject } from './chat-subject.ts';
import { commitSubject } from './commit-subject.ts';
import { costSubject } from './cost-subject.ts';
import { growthSubject } from './growth-subject.ts';
import { httpSubject } from './http-subject.ts';
import { logSubject } from './log-subject.ts';
import { returnSubject } from './return-subject.ts';
import { startSubject } from './start-subject.ts';

/** All of them; `parley bench NAME…` runs some. */
export const SUBJECTS: readonly Subject[] = [
  startSubject,
  costSubject,
  commitSubject,
  chatSubject,
  httpSubject,
  logSubject,
  growthSubject,
  returnSubject,
];
