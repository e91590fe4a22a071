/**
 * Who is where, as the coordinator says it: the members of each group, which
 * of them are in the view, and their addresses. It is asked every second, and
 * sooner while it does not answer. Until it does, its last word is kept for
 * addresses, and every member counts as worth a try, those last seen in the
 * view first; before its first word the configuration serves.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';

/** A node that can be asked. */
export interface Member {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
}

/** What the directory needs of the world. */
export interface DirectoryPorts {
  /** `GET /groups` of the coordinator. Rejects with a ParleyError. */
  readonly groups: (signal: AbortSignal) => Promise<Json>;
  /** Members by group, from the configuration. */
  readonly configured: Readonly<Record<string, readonly string[]>>;
  /** Addresses by node, from the configuration. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Called when the coordinator begins or ceases to answer. */
  readonly onChange?: (answers: boolean, why: string) => void;
}

/** Between two questions: a view changes seldom, but a coordinator that comes is wanted soon. */
const CURRENT_MS = 1000;
const MISSING_MS = 250;
/** Questions in a row without an answer after which the coordinator counts as gone. */
const FAILURES_MAX = 2;

interface Group {
  readonly members: readonly string[];
  readonly view: readonly string[];
}

/** See the header. */
export class ServerDirectory {
  readonly #ports: DirectoryPorts;
  readonly #stopped = new AbortController();
  #groups = new Map<string, Group>();
  #addresses: Map<string, string>;
  #hasAnswered = false;
  #failures = 0;
  #running: Promise<void> | undefined = undefined;

  constructor(ports: DirectoryPorts) {
    this.#ports = ports;
    this.#addresses = new Map(Object.entries(ports.addresses));
  }

  /** True once the coordinator has answered. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** True while the coordinator answers, so that the views are those of now. */
  get isCurrent(): boolean {
    return this.#hasAnswered && this.#failures < FAILURES_MAX;
  }

  /** Members of a group worth asking: the view, or all of them while nobody can say what the view is. */
  members(group: string): readonly Member[] {
    const known = this.#groups.get(group);
    const all = known?.members ?? this.#ports.configured[group] ?? [];
    const view = known?.view ?? [];
    const rest = this.isCurrent && view.length > 0 ? [] : all.filter((name) => !view.includes(name));
    return [...view, ...rest].flatMap((name) => {
      const address = this.#addresses.get(name);
      return address === undefined ? [] : [{ name, address }];
    });
  }

  /** Where a node listens, as the coordinator said it last, or the configuration. */
  addressOf(name: string): string | undefined {
    return this.#addresses.get(name);
  }

  /** The views, for people. */
  get state(): Record<string, Json> {
    const views = Object.fromEntries([...this.#groups].map(([group, { view }]) => [group, [...view]]));
    return { coordinatorAnswers: this.isCurrent, views };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#ask();
      const waitMs = this.isCurrent ? CURRENT_MS : MISSING_MS;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #ask(): Promise<void> {
    const wasCurrent = this.isCurrent;
    let why = '';
    try {
      this.#take(await this.#ports.groups(this.#stopped.signal));
      this.#hasAnswered = true;
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.#failures += 1;
      why = error.message;
    }
    if (this.#stopped.signal.aborted || this.isCurrent === wasCurrent) return;
    this.#ports.onChange?.(this.isCurrent, why);
  }

  /** @throws ParleyError `internal`: that is no answer of a coordinator */
  #take(answer: Json): void {
    const { groups, addresses } = objectOf(answer) ?? {};
    const read = Object.entries(objectOf(groups) ?? {}).map(([name, group]): [string, Group] => {
      const { members, view } = objectOf(group) ?? {};
      return [name, { members: namesOf(members), view: namesOf(view) }];
    });
    if (read.length === 0) throw new ParleyError('internal', 'The coordinator names no group.');
    this.#groups = new Map(read);
    for (const [name, address] of Object.entries(objectOf(addresses) ?? {})) {
      if (typeof address === 'string' && /:\d+$/.test(address)) this.#addresses.set(name, address);
    }
  }
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, Json>>;
}

function namesOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name: Json) => typeof name === 'string') : [];
}
