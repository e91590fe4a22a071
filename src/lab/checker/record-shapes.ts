/**
 * Records as the checker reads them: by its own list of what each must hold,
 * so that a log written by a broken program is a finding and not a crash.
 * Members it does not need are left as they are.
 */
import { z } from 'zod';
import type { Json } from '../../base/canonical-json.ts';
import type { ProtocolRecord } from '../../protocol/records.ts';

const number = z.string().min(1);
const name = z.string();
const site = z.looseObject({ name });
const round = z.looseObject({ counter: z.number(), site: z.string() });
const json = z.custom<Json>((value) => value !== undefined, 'JSON');
const operation = z.looseObject({ index: z.number(), operation: z.looseObject({ group: z.string() }) });
const effect = z.looseObject({ group: z.string(), effect: json });
const result = z.looseObject({ index: z.number(), result: json });
const reason = z.looseObject({ code: z.string() });
const seen = z.looseObject({ incarnation: name, epoch: z.number(), seq: z.number() });
const attempted = z.looseObject({ number, round });

const SHAPES: Readonly<Record<ProtocolRecord['type'], z.ZodType>> = {
  'start': z.looseObject({ name, role: name, incarnation: name }),
  'begin': z.looseObject({
    number,
    id: name,
    protocol: name,
    participants: z.array(site),
    groups: z.record(z.string(), z.array(name)),
  }),
  'commit': z.looseObject({ number, results: z.array(result) }),
  'abort': z.looseObject({ number, reason }),
  'answer': z.looseObject({ number, id: name, reason }),
  'end': z.looseObject({ number, left: z.array(name).optional() }),
  'low-water': z.looseObject({ number: z.string(), peers: z.record(z.string(), seen).optional() }),
  'view': z.looseObject({ group: name, version: z.number(), members: z.array(name) }),
  'peer': z.looseObject({ name, incarnation: name, epoch: z.number() }),
  'coordinator': z.looseObject({ name, incarnation: name, epoch: z.number() }),
  'prepared': z.looseObject({
    number,
    id: name,
    protocol: name,
    coordinator: site,
    participants: z.array(site),
    operations: z.array(operation),
    effects: z.array(effect),
    results: z.array(result),
    hashes: z.record(z.string(), z.string()),
  }),
  'precommitted': attempted,
  'preaborted': attempted,
  'promised': attempted,
  'committed': z.looseObject({
    number,
    id: name.optional(),
    effects: z.array(effect).optional(),
    results: z.array(result).optional(),
  }),
  'aborted': z.looseObject({ number, reason }),
  'superseded': z.looseObject({ number, group: name }),
  'copied': z.looseObject({ group: name, part: z.number(), parts: z.number().optional(), lines: z.array(json) }),
};

/** The record, when it has its shape; a sentence when not; undefined for a type that is not known here. */
export function readRecord(record: { readonly type: string }): ProtocolRecord | string | undefined {
  const shape = Object.hasOwn(SHAPES, record.type) ? SHAPES[record.type as ProtocolRecord['type']] : undefined;
  if (shape === undefined) return undefined;
  const read = shape.safeParse(record);
  if (read.success) return record as ProtocolRecord;
  const [issue] = read.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`;
}
