/**
 * A group at the member it is copied from: a snapshot in pages, and the changes
 * behind it, over one connection (`GET /feed/copy`, `GET /feed`).
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { HttpClient } from '../net/http-client.ts';
import { parseAddress } from '../net/peer-handshake.ts';
import type { ClientTls } from '../net/tls.ts';

/** How long a request to the source may take. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Some lines of a snapshot. */
export interface SnapshotPage {
  readonly incarnation: string;
  /** What the group is there; absent from a source that is older than this member. */
  readonly kind?: string;
  /** On the first page: how far the source's changes are in the snapshot. */
  readonly position?: number;
  /** Names the snapshot, for its next page. */
  readonly copy: string;
  readonly lines: readonly Json[];
  readonly more: boolean;
}

/** Which group, where, and what it is here. */
export interface CopySourceOptions {
  readonly group: string;
  /** `host:port` */
  readonly address: string;
  readonly kind: string;
  readonly authorization: string;
  readonly tls: ClientTls | undefined;
}

/** See the header. Every request may end with a ParleyError of the wire, or `busy` when the source refuses it. */
export class CopySource {
  readonly #options: CopySourceOptions;
  readonly #client: HttpClient;
  readonly #group: string;
  /** Whose log positions are of: a source with another one has no changes behind them. */
  #incarnation = '';

  /** @throws ParleyError `unreachable` for what is no address */
  constructor(options: CopySourceOptions) {
    const { group, address, tls } = options;
    const parsed = parseAddress(address);
    if (parsed === undefined)
      throw new ParleyError('unreachable', `${JSON.stringify(address)} is no address to copy from.`);
    this.#options = options;
    this.#group = encodeURIComponent(group);
    this.#client = new HttpClient({ ...parsed, tls });
  }

  /**
   * A page, from 1, and how many bytes it came in. The first begins a snapshot, which `copy` names from then on.
   * @throws ParleyError `bad-config` when the group is of another kind there: its lines must not get into a log here
   */
  async page(number: number, copy?: string): Promise<{ readonly page: SnapshotPage; readonly bytes: number }> {
    const next = copy === undefined ? '' : `&copy=${copy}&page=${number}`;
    const text = await this.#text(`/feed/copy?group=${this.#group}${next}`);
    const page = JSON.parse(text) as SnapshotPage;
    const { group, address, kind } = this.#options;
    if (page.kind !== undefined && page.kind !== kind) {
      const why = `${group} is a ${page.kind} at ${address} and a ${kind} here`;
      throw new ParleyError('bad-config', `${why}: the cluster files of the two nodes differ.`);
    }
    this.#incarnation = page.incarnation;
    return { page, bytes: Buffer.byteLength(text) };
  }

  /** What was committed there since a position, as lines of a copy, and how far that is. */
  async changes(since: number): Promise<{ readonly changes: readonly Json[]; readonly position: number }> {
    let position = since;
    const query = `group=${this.#group}&since=${since}&incarnation=${this.#incarnation}&follow=no`;
    const text = await this.#text(`/feed?${query}`);
    const changes: Json[] = [];
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const change = JSON.parse(line) as { beat?: number; number: string; id: string; data: Json };
      if (change.beat !== undefined) position = change.beat;
      else changes.push({ change: { number: change.number, id: change.id, data: change.data } });
    }
    return { changes, position };
  }

  /** What is under way ends with an error. */
  close(): void {
    this.#client.close();
  }

  async #text(path: string): Promise<string> {
    const headers = { authorization: this.#options.authorization };
    const answer = await this.#client.request({ method: 'GET', path, headers, timeoutMs: REQUEST_TIMEOUT_MS });
    if (answer.status === 200) return answer.body.toString('utf8');
    throw new ParleyError('busy', `The source answered ${answer.status} to GET ${path}.`);
  }
}
