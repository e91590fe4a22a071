/**
 * Copies a group from a live member while work goes on: a snapshot, then the
 * changes behind it, into a resource of its own. Behind the barrier it fetches
 * the rest, and hands over the whole state. Until then nothing here is used.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { CopyWork } from '../protocol/node-step.ts';
import { HttpClient } from '../net/http-client.ts';
import type { ClientTls } from '../net/tls.ts';
import { ResourceManager } from '../resources/resource-manager.ts';
import type { ResourceKind } from '../resources/resource.ts';
import { parseAddress } from '../net/peer-handshake.ts';

/** Whom the copier tells, and with what credentials it asks. */
export interface CopierOptions {
  readonly kindOf: (group: string) => ResourceKind;
  readonly authorization: string;
  readonly tls?: ClientTls | undefined;
  /** Everything committed at the source when it was last asked is here. */
  readonly onCopied: (group: string, attempt: number) => void;
  readonly onFinished: (group: string, attempt: number, lines: readonly Json[]) => void;
  /** The rest could not be had behind the barrier; the coordinator lowers it and asks again. */
  readonly onFailed: (group: string, attempt: number) => void;
  readonly onTrouble: (group: string, error: unknown) => void;
}

/** A copy under way. */
interface Copy {
  readonly group: string;
  readonly address: string;
  readonly client: HttpClient;
  readonly incarnation: string;
  readonly staged: ResourceManager;
  position: number;
  /** The try that caught up with it last. */
  attempt: number | undefined;
}

/** How long a request to the source may take. */
const SOURCE_TIMEOUT_MS = 10_000;
/** After a failed copy the coordinator's `join` is honoured again after this pause. */
const RETRY_MS = 500;

/** One copy a group at a time; see the header. */
export class Copier {
  private readonly options: CopierOptions;
  private readonly copies = new Map<string, Copy>();
  /** The newest try of each group; what an earlier one still brings is thrown away. */
  private readonly wanted = new Map<string, number>();
  private readonly retries = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(options: CopierOptions) {
    this.options = options;
  }

  /** `copy` and `finish-copy`; answers by the callbacks, or by trouble and another try. */
  run(work: CopyWork): void {
    if (this.closed) return;
    if (work.type === 'copy') {
      this.wanted.set(work.group, work.attempt);
      this.attempt(work, () => this.copy(work), 'again');
    }
    if (work.type === 'finish-copy') this.attempt(work, () => this.finish(work), 'give-up');
  }

  /** The group is up to date here: nothing is copied any more. */
  forget(group: string): void {
    this.wanted.delete(group);
    this.copies.get(group)?.client.close();
    this.copies.delete(group);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.retries) clearTimeout(timer);
    for (const group of [...this.copies.keys()]) this.forget(group);
  }

  private isWanted({ group, attempt }: { readonly group: string; readonly attempt: number }): boolean {
    return !this.closed && this.wanted.get(group) === attempt;
  }

  private attempt(
    work: Exclude<CopyWork, { type: 'install-copy' }>,
    run: () => Promise<void>,
    onTrouble: 'again' | 'give-up',
  ): void {
    run().catch((error: unknown) => {
      if (!(error instanceof ParleyError)) throw error;
      if (!this.isWanted(work)) return;
      this.copies.get(work.group)?.client.close();
      this.copies.delete(work.group);
      this.options.onTrouble(work.group, error);
      if (onTrouble === 'give-up') {
        this.options.onFailed(work.group, work.attempt);
        return;
      }
      const timer = setTimeout(() => {
        this.retries.delete(timer);
        if (this.isWanted(work)) this.run(work);
      }, RETRY_MS);
      this.retries.add(timer);
    });
  }

  /** Snapshot and changes up to now. A later try at the same source goes on where the last one stopped. */
  private async copy(work: Extract<CopyWork, { type: 'copy' }>): Promise<void> {
    const { group, attempt, address } = work;
    const known = this.copies.get(group);
    const copy = known?.address === address ? known : await this.begin(group, address);
    if (!this.isWanted(work)) {
      if (copy !== known) copy.client.close();
      return;
    }
    if (known !== copy) known?.client.close();
    this.copies.set(group, copy);
    await this.catchUp(copy);
    if (!this.isWanted(work)) return;
    copy.attempt = attempt;
    this.options.onCopied(group, attempt);
  }

  private async begin(group: string, address: string): Promise<Copy> {
    const parsed = parseAddress(address);
    if (parsed === undefined)
      throw new ParleyError('unreachable', `${JSON.stringify(address)} is no address to copy from.`);
    const client = new HttpClient({ ...parsed, tls: this.options.tls });
    const answer = await this.get(client, `/feed/snapshot?group=${encodeURIComponent(group)}`);
    const { incarnation, position, lines } = answer as { incarnation: string; position: number; lines: Json[] };
    const staged = new ResourceManager({ groups: [{ group, kind: this.options.kindOf(group) }] });
    staged.restoreGroup(group, lines);
    return { group, address, client, incarnation, staged, position, attempt: undefined };
  }

  private async catchUp(copy: Copy): Promise<void> {
    const { group, client, incarnation, staged, position } = copy;
    const query = `group=${encodeURIComponent(group)}&since=${position}&incarnation=${incarnation}&follow=no`;
    const text = await this.getText(client, `/feed?${query}`);
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const change = JSON.parse(line) as { beat?: number; position: number; number: string; id: string; data: Json };
      if (change.beat !== undefined) {
        copy.position = change.beat;
        continue;
      }
      const { number, id, data } = change;
      staged.learn({ group, number, id, data });
      copy.position = change.position;
    }
  }

  /** Behind the barrier: the rest, and then the whole. Kept, in case the barrier was lowered meanwhile. */
  private async finish(work: Extract<CopyWork, { type: 'finish-copy' }>): Promise<void> {
    const { group, attempt } = work;
    const copy = this.copies.get(group);
    if (!this.isWanted(work)) return;
    if (copy?.attempt !== attempt) throw new ParleyError('busy', `There is no copy of ${group} from this try.`);
    await this.catchUp(copy);
    if (this.isWanted(work)) this.options.onFinished(group, attempt, copy.staged.snapshotGroup(group));
  }

  private async get(client: HttpClient, path: string): Promise<unknown> {
    return JSON.parse(await this.getText(client, path));
  }

  private async getText(client: HttpClient, path: string): Promise<string> {
    const headers = { authorization: this.options.authorization };
    const answer = await client.request({ method: 'GET', path, headers, timeoutMs: SOURCE_TIMEOUT_MS });
    if (answer.status === 200) return answer.body.toString('utf8');
    throw new ParleyError('busy', `The source answered ${answer.status} to GET ${path}.`);
  }
}
