/** A run of the explorer as people read it: each step, and what it did, in the words of describe.ts. */
import { describeMessage } from '../protocol/describe.ts';
import { firstSites, stepSite } from './explorer-sites.ts';
import type { Setting, SiteInput } from './explorer-sites.ts';

/** One step of a run: which site by place (C is 0), and what happens to it. */
export interface RunStep {
  readonly place: number;
  readonly input: SiteInput;
}

/** Runs the steps again from the start; `after` are those of a run without faults that follows. */
export function transcriptOf(
  setting: Setting,
  path: readonly RunStep[],
  after: readonly RunStep[] = [],
): readonly string[] {
  const sites = [...firstSites(setting).sites];
  const lines = (steps: readonly RunStep[], first: number): readonly string[] =>
    steps.flatMap(({ place, input }, index) => {
      const site = sites[place];
      if (site === undefined) return [];
      const { site: next, lines: done } = stepSite(setting, site, input);
      sites[place] = next;
      return [`${first + index}. ${site.name} ${describeInput(input)}`, ...done.map((line) => `     ${line}`)];
    });
  const shown = lines(path, 1);
  if (after.length === 0) return shown;
  return [...shown, '-- from here on nothing fails:', ...lines(after, path.length + 1)];
}

function describeInput(input: SiteInput): string {
  switch (input.type) {
    case 'message':
      return `gets ${describeMessage(input.message)} from ${input.from}`;
    case 'coordinator-event':
      return `by itself: ${input.event.type}`;
    case 'participant-event':
      return `by itself: ${input.event.type}`;
    case 'sync':
      return 'by itself: sync';
    case 'link':
      return `sees ${input.peer} register on a new link`;
    case 'restart':
      return `crashes and starts again, with ${input.kept} of its unsynced records`;
  }
}
