/**
 * Looks one setting up after the other, strongest source first, and remembers
 * where each was found.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { defaultCluster, readClusterFile } from './cluster-file.ts';
import { readSwitch, SETTINGS } from './config-table.ts';
import type { ClusterConfig } from './cluster-file.ts';
import type { ConfigInput, Origin, ReportRow } from './config.ts';
import type { ConfigRole, SettingKey } from './config-table.ts';

/** A value below flag and environment: from the cluster file at `key`, or without a key the built-in default. */
interface Fallback<T> {
  readonly value: T;
  readonly key?: string;
}

interface Given {
  readonly texts: readonly string[];
  readonly origin: Origin;
}

/** The cluster's own file, looked for in the working directory. */
const CLUSTER_FILE = 'cluster.json';

/** The sources of one command's configuration. */
export class SettingsSource {
  readonly role: ConfigRole;
  readonly stdinIsTerminal: boolean;
  /** The cluster file in use, or undefined for the built-in cluster. */
  readonly configFile: string | undefined;
  /** The cluster; `up` replaces it when flags change it. */
  cluster: ClusterConfig;
  readonly #input: ConfigInput;
  readonly #timingsGiven: ReadonlySet<string>;
  readonly #rows: ReportRow[] = [];
  readonly #origins = new Map<SettingKey, Origin>();

  constructor(role: ConfigRole, input: ConfigInput) {
    this.role = role;
    this.#input = input;
    this.stdinIsTerminal = input.stdinIsTerminal;
    this.configFile = this.#findClusterFile();
    const file = this.configFile === undefined ? undefined : readClusterFile(this.configFile);
    this.cluster = file?.config ?? defaultCluster();
    this.#timingsGiven = file?.timingsGiven ?? new Set();
  }

  /**
   * The value of a setting.
   * @param read turns text into a value, or returns undefined when it is none
   * @param fallback the value when neither flag nor environment gives one; without it the setting is required
   * @throws ParleyError `usage` or `bad-config`
   */
  value<T extends ReportRow['value']>(
    key: SettingKey,
    read: (text: string) => T | undefined,
    fallback: Fallback<T> | undefined,
  ): T {
    const given = this.#given(key);
    if (given === undefined && fallback === undefined) {
      const { flag, allowed } = SETTINGS[key];
      throw new ParleyError('usage', `${flag} is missing; allowed: ${allowed}.`);
    }
    if (given !== undefined) {
      const value = this.#readOne(key, given, read);
      return this.#found(key, value, given.origin);
    }
    const { value, key: place } = fallback as Fallback<T>;
    const fromFile = place !== undefined && this.configFile !== undefined;
    return this.#found(
      key,
      value,
      fromFile ? { from: 'file', place: `${this.configFile} ${place}` } : { from: 'default' },
    );
  }

  /** As value(), for a setting that may be absent. */
  optional<T extends ReportRow['value']>(key: SettingKey, read: (text: string) => T | undefined): T | undefined {
    const given = this.#given(key);
    return given === undefined ? undefined : this.#found(key, this.#readOne(key, given, read), given.origin);
  }

  /** A switch. */
  switch(key: SettingKey, fallback: boolean): boolean {
    return this.value(key, readSwitch, { value: fallback });
  }

  /** A setting that may be repeated; in the environment, a comma list. */
  list(key: SettingKey): readonly string[] {
    return this.#found(key, this.texts(key), this.#given(key)?.origin ?? { from: 'default' });
  }

  /** As list(), for a second look: the report hears nothing of it. */
  texts(key: SettingKey): readonly string[] {
    const texts = this.#given(key)?.texts.flatMap((text) => text.split(',')) ?? [];
    const parts = texts.map((text) => text.trim());
    if (parts.includes('')) throw this.fault(key, `has an empty part; allowed: ${SETTINGS[key].allowed}.`);
    return parts;
  }

  /**
   * One number of a setting that holds several, under a key of its own in the report.
   * @param given from flag or environment, where list() found it; else the fallback counts
   */
  part(key: SettingKey, part: string, given: number | undefined, fallback: Fallback<number>): number {
    const fromFile = fallback.key !== undefined && this.configFile !== undefined;
    const below: Origin = fromFile
      ? { from: 'file', place: `${this.configFile} ${fallback.key}` }
      : { from: 'default' };
    const origin = given === undefined ? below : (this.#origins.get(key) ?? below);
    this.#rows.push({ key: part, value: given ?? fallback.value, origin });
    return given ?? fallback.value;
  }

  /** Whether flag or environment give this setting. */
  has(key: SettingKey): boolean {
    return this.#given(key) !== undefined;
  }

  /** The error for a value that was read but does not fit: names the flag, variable or key it came from. */
  fault(key: SettingKey, why: string, remedy?: string): ParleyError {
    const origin = this.#origins.get(key) ?? this.#given(key)?.origin ?? { from: 'default' };
    return faultAt(key, origin, why, remedy);
  }

  /** All values looked up so far, then the timings of the cluster. */
  report(): readonly ReportRow[] {
    const timings = Object.entries<number>({ ...this.cluster.timings }).map(([name, value]): ReportRow => {
      const place = `${this.configFile} timings.${name}`;
      return {
        key: `timings.${name}`,
        value,
        origin: this.#timingsGiven.has(name) ? { from: 'file', place } : { from: 'default' },
      };
    });
    return [...this.#rows, ...timings];
  }

  #findClusterFile(): string | undefined {
    const given = this.#given('config');
    if (given !== undefined) {
      const path = this.#readOne('config', given, (text) => text);
      return this.#found('config', path, given.origin);
    }
    const there = existsSync(join(this.#input.directory ?? '.', CLUSTER_FILE));
    this.#found('config', there ? CLUSTER_FILE : '(built in)', { from: 'default' });
    return there ? join(this.#input.directory ?? '.', CLUSTER_FILE) : undefined;
  }

  #given(key: SettingKey): Given | undefined {
    const { flag, env } = SETTINGS[key];
    const fromFlag: unknown = this.#input.flags[flag.slice(2)];
    if (fromFlag !== undefined) {
      const given: readonly unknown[] = Array.isArray(fromFlag) ? Array.from<unknown>(fromFlag) : [fromFlag];
      const texts = given.map(String);
      return { texts, origin: { from: 'flag', place: flag } };
    }
    const fromEnv = this.#input.env[env];
    // An empty variable is how a shell says "none".
    return fromEnv === undefined || fromEnv === ''
      ? undefined
      : { texts: [fromEnv], origin: { from: 'environment', place: env } };
  }

  #readOne<T>(key: SettingKey, given: Given, read: (text: string) => T | undefined): T {
    const text = given.texts[0] ?? '';
    if (given.texts.length > 1) throw faultAt(key, given.origin, `is given ${given.texts.length} times; give it once.`);
    const value = read(text);
    if (value === undefined) {
      throw faultAt(key, given.origin, `is ${JSON.stringify(text.slice(0, 100))}; allowed: ${SETTINGS[key].allowed}.`);
    }
    return value;
  }

  #found<T extends ReportRow['value']>(key: SettingKey, value: T, origin: Origin): T {
    this.#origins.set(key, origin);
    this.#rows.push({ key, value, origin });
    return value;
  }
}

function faultAt(key: SettingKey, origin: Origin, why: string, remedy?: string): ParleyError {
  const place = origin.from === 'default' ? SETTINGS[key].flag : origin.place;
  const code = origin.from === 'flag' || origin.from === 'default' ? 'usage' : 'bad-config';
  return new ParleyError(code, `${place} ${why}`, remedy === undefined ? {} : { remedy });
}
