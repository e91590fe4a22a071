/** Scenario files: where they are, reading and checking them. A fault names the file, the key, and what is allowed there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ParleyError } from '../base/errors.ts';
import { scenarioShape } from './scenario-shape.ts';
import type { Scenario } from './scenario-shape.ts';

/** The scenarios that are shipped; src/lab and dist/lab lie at the same depth. */
const SHIPPED = fileURLToPath(new URL('../../src/lab/scenarios/', import.meta.url));
const SHOWN_CHARS_MAX = 80;

/** All shipped scenarios, by id. @throws ParleyError `bad-config` */
export function shippedScenarios(): readonly Scenario[] {
  const names = readdirSync(SHIPPED).filter((name) => name.endsWith('.json'));
  const scenarios = names.map((name) => readScenario(join(SHIPPED, name)));
  return scenarios.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}

/**
 * The scenarios meant by `all`, by an id, by the beginning of ids (`S0-14` for
 * all its moments), or by the path of a file.
 * @throws ParleyError `usage` when nothing is meant, `bad-config`
 */
export function scenariosNamed(wanted: string): readonly Scenario[] {
  if (wanted.endsWith('.json')) return [readScenario(wanted)];
  const shipped = shippedScenarios();
  if (wanted === 'all') return shipped;
  const exact = shipped.filter(({ id }) => id === wanted);
  const meant =
    exact.length > 0 ? exact : shipped.filter(({ id }) => id.startsWith(`${wanted}-`) || id.startsWith(`${wanted}.`));
  if (meant.length > 0) return meant;
  throw new ParleyError('usage', `There is no scenario ${wanted.slice(0, SHOWN_CHARS_MAX)}.`, {
    remedy: 'See parley lab list, or give the path of a .json file.',
  });
}

/** Reads one file. @throws ParleyError `bad-config` */
export function readScenario(path: string): Scenario {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ParleyError('bad-config', `The scenario ${path} cannot be read (${why}).`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ParleyError('bad-config', `${path}: it is not JSON: ${(cause as Error).message}.`, { cause });
  }
  return parseScenario(value, path);
}

/** Checks a scenario. @param where names the source in errors. @throws ParleyError `bad-config` */
export function parseScenario(value: unknown, where: string): Scenario {
  const parsed = scenarioShape.safeParse(value);
  if (!parsed.success) throw new ParleyError('bad-config', `${where}: ${faultText(parsed.error, value)}`);
  const fault = meaningFault(parsed.data);
  if (fault !== undefined) throw new ParleyError('bad-config', `${where}: ${fault}`);
  return parsed.data;
}

function faultText({ issues }: z.ZodError, value: unknown): string {
  const [issue] = issues;
  if (issue === undefined) return 'it is no scenario.';
  const place = issue.path.map(String).join('.') || 'the whole';
  const others = issues.length > 1 ? ` (${issues.length - 1} more.)` : '';
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, value);
    return `${place} has the key ${JSON.stringify(issue.keys[0])}; allowed: ${known.join(', ')}.${others}`;
  }
  const found = at(value, issue.path);
  const shown =
    found === undefined ? 'is missing' : `is ${(JSON.stringify(found) ?? 'nothing').slice(0, SHOWN_CHARS_MAX)}`;
  return `${place} ${shown}; ${issue.message.replace(/^Invalid (input|option): /, '')}.${others}`;
}

/** The keys that the schema has at a path, by the schema's own description. */
function knownKeys(path: readonly PropertyKey[], value: unknown): readonly string[] {
  let schema = z.toJSONSchema(scenarioShape, { io: 'input' }) as SchemaNode;
  for (const [index, part] of path.entries()) {
    const chosen = schema.oneOf ?? schema.anyOf;
    const kind = (at(value, path.slice(0, index)) as { readonly do?: unknown } | undefined)?.do;
    const branch = chosen?.find((one) => one.properties?.['do']?.const === kind) ?? schema;
    schema = branch.properties?.[String(part)] ?? branch.items ?? branch.additionalProperties ?? {};
  }
  const kind = (at(value, path) as { readonly do?: unknown } | undefined)?.do;
  const branch = (schema.oneOf ?? schema.anyOf)?.find((one) => one.properties?.['do']?.const === kind) ?? schema;
  return Object.keys(branch.properties ?? {});
}

/** What is used here of JSON Schema. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

const LINK_STEPS: ReadonlySet<string> = new Set(['partition', 'shape', 'rule', 'release', 'cut', 'heal']);

/** What the shape cannot say. */
function meaningFault({ cluster, steps, transactions }: Scenario): string | undefined {
  const nodes = ['coordinator', ...Array.from({ length: cluster.participants }, (_, index) => `P${index + 1}`)];
  for (const [group, { members }] of Object.entries(cluster.groups)) {
    const stranger = members.find((name) => !nodes.includes(name) || name === 'coordinator');
    if (stranger !== undefined)
      return `cluster.groups.${group}.members names ${stranger}; allowed: ${nodes.slice(1).join(', ')}.`;
  }
  for (const [index, step] of steps.entries()) {
    const place = `steps.${index}`;
    if (LINK_STEPS.has(step.do) && !cluster.proxied) return `${place} needs the proxy; say "proxied": true in cluster.`;
    if ('node' in step && !nodes.includes(step.node))
      return `${place}.node is ${step.node}; allowed: ${nodes.join(', ')}.`;
    if ('operations' in step && typeof step.operations === 'string' && !Object.hasOwn(transactions, step.operations)) {
      return `${place}.operations is ${step.operations}; allowed: a list, or one of ${Object.keys(transactions).join(', ')}.`;
    }
  }
  return undefined;
}
