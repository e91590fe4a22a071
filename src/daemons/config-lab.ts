/** Settings of a daemon that the lab alone allows; without --lab each is an error. */
import type { UnsafeRule } from '../protocol/participant-attempts.ts';
import type { SettingsSource } from './config-source.ts';
import { readWhole, readWord, UNSAFE_RULES } from './config-table.ts';

/** Rarer than by default would only make starts slower. */
const CHECKPOINT_RECORDS_MAX = 50_000;

/** `--checkpoint-records`: more often than a node outside the lab ever needs it. */
export function checkpointRule(source: SettingsSource, lab: boolean): { readonly checkpointRecords?: number } {
  const checkpointRecords = source.optional('checkpointRecords', (text) => readWhole(text, 1, CHECKPOINT_RECORDS_MAX));
  if (checkpointRecords === undefined) return {};
  if (!lab) throw source.fault('checkpointRecords', 'needs --lab.', 'Leave it out; or add --lab.');
  return { checkpointRecords };
}

/** `--unsafe`, which the lab alone allows. */
export function unsafeRule(source: SettingsSource, lab: boolean): { readonly unsafe?: UnsafeRule } {
  const unsafe = source.optional('unsafe', (text) => readWord<UnsafeRule>(text, UNSAFE_RULES));
  if (unsafe === undefined) return {};
  if (!lab) throw source.fault('unsafe', 'needs --lab.', 'Leave it out; or add --lab and watch atomicity break.');
  return { unsafe };
}
