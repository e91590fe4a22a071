/** What the tests of tasks run in processes of their own. */
import type { Json } from '../../src/base/canonical-json.ts';

/** Adds to the number it was started with; fails, ends or burns CPU time when asked to. */
export function adder(options: Json): Promise<(question: Json) => Promise<Json>> {
  const { base } = options as { base: number };
  return Promise.resolve((question) => {
    const asked = question as { add?: number; fail?: true; exit?: true; burnMs?: number };
    if (asked.fail === true) return Promise.reject(new Error('as asked'));
    if (asked.exit === true) process.exit(3);
    if (asked.burnMs !== undefined) {
      const before = process.cpuUsage();
      for (;;) {
        const { user, system } = process.cpuUsage(before);
        if ((user + system) / 1000 >= asked.burnMs) break;
      }
    }
    return Promise.resolve({ sum: base + (asked.add ?? 0) });
  });
}
