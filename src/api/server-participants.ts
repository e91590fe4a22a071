/**
 * Reads of a server from participants: a member of the group answers, and
 * another is asked when it cannot. Reads change nothing, so asking twice is
 * harmless and the first certain answer is the answer.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { ParleyError } from '../base/errors.ts';
import { readHistoryLine } from '../chat/feed-change.ts';
import type { FeedMember, FeedPorts } from '../chat/feed-follower.ts';
import type { HistoryLine } from '../resources/history.ts';
import type { Member } from './server-directory.ts';
import type { Upstream } from './server-upstream.ts';

/** One member may take so long: a read that waits for an undecided write takes up to 1 s. */
const MEMBER_MS_MAX = 2000;
/** A snapshot of a long history takes its time. */
const SNAPSHOT_MS_MAX = 30_000;
/** A member that failed is asked last for so long. */
const SHUN_MS = 2000;
/** This member cannot answer; another may. */
const NOT_HERE: readonly ErrorCode[] = [
  ...(['no-lease', 'in-doubt', 'busy', 'starting', 'draining', 'not-in-view', 'unknown-group'] as const),
  ...(['unreachable', 'connection-lost', 'timeout', 'internal'] as const),
];
/** Which trouble is told when nobody could answer: the first of these that was met. */
const TOLD_FIRST: readonly ErrorCode[] = ['in-doubt', 'no-lease'];

/** See the header. */
export class ParticipantReader {
  readonly #upstream: Upstream;
  readonly #membersOf: (group: string) => readonly Member[];
  readonly #shunnedUntilMs = new Map<string, number>();

  constructor(upstream: Upstream, membersOf: (group: string) => readonly Member[]) {
    this.#upstream = upstream;
    this.#membersOf = membersOf;
  }

  /**
   * A read that any member of the group can answer.
   * @param path with its query; `group=` is added
   * @throws ParleyError a definite answer such as `unknown-account`; `in-doubt`, `no-lease`, or `busy` when nobody could answer
   */
  async read(group: string, path: string): Promise<Json> {
    const troubles: { readonly name: string; readonly error: ParleyError }[] = [];
    const full = `${path}${path.includes('?') ? '&' : '?'}group=${encodeURIComponent(group)}`;
    for (const { name, address } of this.#inOrder(group)) {
      try {
        const answer = await this.#upstream.request(address, { method: 'GET', path: full, timeoutMs: MEMBER_MS_MAX });
        return answer.body;
      } catch (error) {
        if (!(error instanceof ParleyError) || !NOT_HERE.includes(error.code)) throw error;
        troubles.push({ name, error });
        this.#shunnedUntilMs.set(name, performance.now() + SHUN_MS);
      }
    }
    const told = troubles.find(({ error }) => TOLD_FIRST.includes(error.code))?.error;
    if (told !== undefined) throw told;
    const why = troubles.map(({ name, error }) => `${name}: ${error.message}`).join(' ');
    throw new ParleyError('busy', `No member of ${group} can answer now. ${why}`.trim());
  }

  /** Lines of a room after a sequence, oldest first, at most `limit`. @throws as read() */
  async lines(group: string, room: string, after: number, limit: number): Promise<readonly HistoryLine[]> {
    const answer = await this.read(group, `/history/${encodeURIComponent(room)}?after=${after}&limit=${limit}`);
    const lines = typeof answer === 'object' && answer !== null && 'lines' in answer ? answer['lines'] : [];
    return (Array.isArray(lines) ? lines : []).flatMap((line: Json) => readHistoryLine(line) ?? []);
  }

  /** What a feed follower of this group needs of the wire. */
  feed(group: string): Pick<FeedPorts, 'members' | 'snapshot' | 'follow'> {
    const query = `group=${encodeURIComponent(group)}`;
    return {
      members: () => this.#membersOf(group),
      snapshot: async ({ name, address }: FeedMember, signal) => {
        const request = { method: 'GET', path: `/feed/snapshot?${query}`, signal, timeoutMs: SNAPSHOT_MS_MAX };
        const { body } = await this.#upstream.request(address, request);
        const { position, incarnation, lines } = (body ?? {}) as Readonly<Record<string, Json>>;
        if (typeof position === 'number' && typeof incarnation === 'string' && Array.isArray(lines)) {
          return { position, incarnation, lines: lines as readonly Json[] };
        }
        throw new ParleyError(
          'internal',
          `The snapshot of ${name} has another shape than {position, incarnation, lines}.`,
        );
      },
      follow: ({ address }, { position, incarnation }, onLine, signal) => {
        const path = `/feed?${query}&since=${position}&incarnation=${encodeURIComponent(incarnation)}`;
        return this.#upstream.stream(address, { method: 'GET', path, onLine, signal, timeoutMs: MEMBER_MS_MAX });
      },
    };
  }

  /** Members in random order, so that reads spread; those that failed just now last. */
  #inOrder(group: string): readonly Member[] {
    const nowMs = performance.now();
    const place = (name: string): number => Math.random() + ((this.#shunnedUntilMs.get(name) ?? 0) > nowMs ? 1 : 0);
    return this.#membersOf(group)
      .map((member) => ({ member, at: place(member.name) }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member);
  }
}
