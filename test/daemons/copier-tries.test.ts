import { expect } from 'chai';
import type { Json } from '../../src/base/canonical-json.ts';
import { Copier } from '../../src/daemons/copier.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { json } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';

const lineOf = (text: string, index: number) => ({ room: 'lobby', seq: index + 1, key: text, author: 'ada', text });

/** A member of which a room can be copied, and which may be made to refuse. */
class Source {
  address = '';
  refuses = false;
  isBusyElsewhere = false;
  asked = 0;
  /** What a request for changes waits for. */
  gate: Promise<void> = Promise.resolve();
  private readonly texts: string[];
  private readonly server: HttpServer;

  constructor(name: string, texts: readonly string[]) {
    this.texts = [...texts];
    this.server = new HttpServer({
      handler: async ({ path, query }) => {
        this.asked += 1;
        if (this.refuses) return json(503, {});
        if (path.startsWith('/feed/copy')) {
          const page = { copy: 'c', page: 1, more: false };
          return json(200, { incarnation: name, position: this.texts.length, ...page, lines: this.texts.map(lineOf) });
        }
        await this.gate;
        const since = Number(query.get('since'));
        const changes = this.texts.slice(since).map((text, index) => ({
          ...{ number: `source00.1.${since + index}`, id: text, data: lineOf(text, since + index) },
        }));
        // Work on other groups goes on behind the barrier of this one.
        if (this.isBusyElsewhere) this.elsewhere += 1;
        const lines = [...changes, { beat: this.texts.length + this.elsewhere }];
        return { status: 200, body: lines.map((line) => `${JSON.stringify(line)}\n`).join('') };
      },
      onBug: (error) => {
        throw error;
      },
    });
  }

  /** Transactions of other groups, which only move the position. */
  elsewhere = 0;

  commit(text: string): void {
    this.texts.push(text);
  }

  async listen(): Promise<void> {
    const { port } = await this.server.listen({ host: '127.0.0.1', port: 0 });
    this.address = `127.0.0.1:${port}`;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

/** Two sources, a copier, and what it reported. */
async function withSources(
  run: (parts: {
    readonly copier: Copier;
    readonly behind: Source;
    readonly current: Source;
    readonly reports: string[];
  }) => Promise<void>,
): Promise<void> {
  const behind = new Source('s1', ['old']);
  const current = new Source('s2', ['old', 'committed']);
  const reports: string[] = [];
  const lines: Json[] = [];
  const copier = new Copier({
    authorization: 'Parley test',
    nowMs: () => 0,
    kindOf: () => 'history',
    onCopied: (_, attempt) => reports.push(`copied ${attempt}`),
    onPart: (_, part, some) => {
      if (part === 1) lines.length = 0;
      lines.push(...some);
      return Promise.resolve();
    },
    onDropped: () => undefined,
    hasRoom: () => true,
    onFinished: (_, attempt, rest) =>
      reports.push(`finished ${attempt} with ${lines.length + rest.lines.length} in ${rest.parts}`),
    onFailed: (_, attempt) => reports.push(`failed ${attempt}`),
    onTrouble: () => reports.push('trouble'),
  });
  try {
    for (const source of [behind, current]) await source.listen();
    await run({ copier, behind, current, reports });
  } finally {
    copier.close();
    for (const source of [behind, current]) await source.close();
  }
}

describe('The tries of a copier', () => {
  it('do not mix: a retry at a source that fell behind never replaces the copy of the newest try', async () => {
    await withSources(async ({ copier, behind, current, reports }) => {
      behind.refuses = true;
      copier.run({ type: 'copy', group: 'chat', attempt: 1, address: behind.address });
      await eventually('the first try failed, and will be repeated', () => reports.includes('trouble'));
      behind.refuses = false;
      copier.run({ type: 'copy', group: 'chat', attempt: 2, address: current.address });
      await eventually('the second has caught up', () => reports.includes('copied 2'));
      // Were the first repeated, it would be by then: the next try at a source that refuses is repeated after it.
      current.refuses = true;
      copier.run({ type: 'copy', group: 'chat', attempt: 3, address: current.address });
      await eventually('a third failed', () => reports.at(-1) === 'trouble');
      current.refuses = false;
      await eventually('and was repeated', () => reports.includes('copied 3'));
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 3 });
      await eventually('it has finished', () => reports.at(-1) === 'finished 3 with 2 in 1');
      expect(reports).to.not.include('copied 1');
      expect(behind.asked).to.equal(1);
    });
  });

  it('lose nothing that an earlier one fetched behind its barrier and could not use', async () => {
    await withSources(async ({ copier, current, reports }) => {
      copier.run({ type: 'copy', group: 'chat', attempt: 1, address: current.address });
      await eventually('it has caught up', () => reports.includes('copied 1'));
      current.commit('late');
      const before = current.asked;
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 1 });
      await eventually('it asks for the rest', () => current.asked > before);
      let open: () => void = () => undefined;
      current.gate = new Promise((resolve) => (open = resolve));
      await eventually('it has the rest, and asks whether there is more', () => current.asked > before + 1);
      copier.run({ type: 'copy', group: 'chat', attempt: 2, address: current.address });
      open();
      await eventually('the later try has caught up', () => reports.includes('copied 2'));
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 2 });
      await eventually('it has finished', () => reports.some((report) => report.startsWith('finished 2')));
      expect(reports.at(-1)).to.match(/^finished 2 with 3 in/);
    });
  });

  it('come to an end behind the barrier while other groups of the source are busy', async () => {
    await withSources(async ({ copier, current, reports }) => {
      current.isBusyElsewhere = true;
      copier.run({ type: 'copy', group: 'chat', attempt: 1, address: current.address });
      await eventually('it has caught up', () => reports.includes('copied 1'));
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 1 });
      await eventually('it has finished', () => reports.at(-1) === 'finished 1 with 2 in 1');
    });
  });

  it('say so when behind the barrier the rest cannot be had, or when there is no copy of that try', async () => {
    await withSources(async ({ copier, current, reports }) => {
      copier.run({ type: 'copy', group: 'chat', attempt: 1, address: current.address });
      await eventually('it has caught up', () => reports.includes('copied 1'));
      current.refuses = true;
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 1 });
      await eventually('it failed', () => reports.includes('failed 1'));
      copier.run({ type: 'finish-copy', group: 'chat', attempt: 1 });
      await eventually('it failed again', () => reports.filter((report) => report === 'failed 1').length === 2);
    });
  });
});
