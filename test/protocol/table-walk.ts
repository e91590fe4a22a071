/**
 * Walks a machine over every constructed state and event, and holds what it
 * does against its literal table: every cell visited, no move outside it, no
 * listed target that nothing reaches.
 */
import type { Step, TransitionTable } from '../../src/protocol/attempt.ts';

interface Phased {
  readonly phase: string;
}

interface Typed {
  readonly type: string;
}

/** One state to start from; `step` has the attempt inside. */
export interface Start<State extends Phased, Event extends Typed> {
  readonly state: State;
  readonly step: (state: State, event: Event) => Step<State>;
}

/** What was found against the table; all empty when the table is exactly right. */
export interface WalkFindings {
  readonly cellsNotVisited: readonly string[];
  readonly movesOutside: readonly string[];
  readonly targetsNotReached: readonly string[];
}

/** Every start with every event. An assertion of the machine counts as a move outside its table. */
export function walkTable<State extends Phased, Event extends Typed>(
  table: TransitionTable<State['phase'], Event['type']>,
  starts: Iterable<Start<State, Event>>,
  events: readonly Event[],
): WalkFindings {
  const visited = new Set<string>();
  const reached = new Set<string>();
  const outside = new Set<string>();
  for (const { state, step } of starts) {
    for (const event of events) {
      const cell = `${state.phase} × ${event.type}`;
      visited.add(cell);
      let after: string;
      try {
        after = step(state, event).state.phase;
      } catch (error) {
        outside.add(`${cell}: ${(error as Error).message}`);
        continue;
      }
      reached.add(`${cell} → ${after}`);
      const targets: readonly string[] = table[state.phase as State['phase']][event.type as Event['type']];
      if (after !== state.phase && !targets.includes(after)) outside.add(`${cell} → ${after}`);
    }
  }
  const cells = Object.entries<Readonly<Record<string, readonly string[]>>>(table).flatMap(([phase, row]) =>
    Object.entries(row).map(([type, targets]) => ({ cell: `${phase} × ${type}`, targets })),
  );
  return {
    cellsNotVisited: cells.map(({ cell }) => cell).filter((cell) => !visited.has(cell)),
    movesOutside: [...outside],
    targetsNotReached: cells
      .flatMap(({ cell, targets }) => targets.map((target) => `${cell} → ${target}`))
      .filter((move) => !reached.has(move)),
  };
}

export const NOTHING_FOUND: WalkFindings = { cellsNotVisited: [], movesOutside: [], targetsNotReached: [] };
