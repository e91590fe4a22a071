/** Many inputs to both servers, one after the other; stops at the first difference that nobody signed off, made small. */
import fc from 'fast-check';
import { differenceOf, faultOf } from './compare.ts';
import { ruleOf } from './differences.ts';
import { inputs } from './inputs.ts';
import { NodeReader, readByOurs } from './readers.ts';
import type { Sent } from './readers.ts';

/** What a run came to. */
export interface FuzzReport {
  readonly inputs: number;
  /** Inputs that both read alike. */
  readonly alike: number;
  /** Inputs by the rule their difference is on. */
  readonly signedOff: Readonly<Record<string, number>>;
  /** What nobody signed off, with the command that repeats it; none when all is well. */
  readonly failure: string | undefined;
}

/** @param path of fast-check, to repeat one failure */
export async function fuzz(wanted: { runs: number; seed: number; path?: string }): Promise<FuzzReport> {
  const node = new NodeReader();
  const signedOff: Record<string, number> = {};
  let alike = 0;
  const property = fc.asyncProperty(inputs, async (sent) => {
    const found = await look(node, sent);
    if (found === undefined) alike += 1;
    else signedOff[found] = (signedOff[found] ?? 0) + 1;
  });
  const { runs, seed, path } = wanted;
  // Failures are made small by shrinking what they were made of.
  const result = await fc.check(property, { numRuns: runs, seed, ...(path === undefined ? {} : { path }) });
  if (!result.failed) return { inputs: result.numRuns, alike, signedOff, failure: undefined };
  const [sent] = result.counterexample ?? [];
  const cause = result.errorInstance instanceof Error ? result.errorInstance.message : 'stopped';
  const repeat = `npm run fuzz -- --runs 1 --seed ${seed} --path ${result.counterexamplePath ?? ''}`;
  const failure = `${cause}\n  sent, cut at ${sent?.cuts.join() ?? ''}: ${shown(sent)}\n  repeat with: ${repeat}`;
  return { inputs: result.numRuns, alike, signedOff, failure };
}

/** The rule their difference is on; none when there is no difference. @throws Error at any other difference, or fault */
async function look(node: NodeReader, sent: Sent): Promise<string | undefined> {
  const ours = await readByOurs(sent);
  const fault = faultOf(ours);
  if (fault !== undefined) throw new Error(`ours: ${fault}`);
  const difference = differenceOf(ours, await node.read(sent));
  if (difference === undefined) return undefined;
  const rule = ruleOf(difference, sent.bytes.toString('latin1'));
  if (rule !== undefined) return rule.name;
  const { stopped, ranMore } = difference;
  throw new Error(
    `${stopped} stopped first${ranMore ? ', and ours ran more' : ''}; ours: ${difference.ours} Node: ${difference.node}`,
  );
}

/** Octets as a literal of JavaScript, which does not hide any. */
function shown(sent: Sent | undefined): string {
  const text = sent?.bytes.toString('latin1') ?? '';
  return JSON.stringify(text).replace(/[^ -~]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
