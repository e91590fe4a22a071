import { expect } from 'chai';
import type { Json } from '../../src/base/canonical-json.ts';
import { Copier } from '../../src/daemons/copier.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { Router } from '../../src/net/router.ts';
import { ResourceManager } from '../../src/resources/resource-manager.ts';
import { served } from '../api/served-participant.ts';
import { copyInto } from '../resources/participant-driver.ts';
import { eventually } from '../support/eventually.ts';

const TRANSFER = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 10 };

/** A source over a real socket, a copier, and what it reported. */
async function withCopier(
  run: (parts: {
    readonly source: ReturnType<typeof served>;
    readonly copier: Copier;
    readonly address: string;
    readonly reports: string[];
    readonly troubles: string[];
    /** Whole copies. */
    readonly lines: (readonly Json[])[];
    readonly parts: (readonly Json[])[];
    readonly room: { left: boolean };
    readonly clock: { nowMs: number };
    /** What the copier's own node takes each group for. */
    readonly kinds: Record<string, string>;
  }) => Promise<void>,
): Promise<void> {
  const source = served();
  const router = new Router(source.routes);
  const server = new HttpServer({
    handler: (request) => router.handle(request),
    onBug: (error) => reports.push(String(error)),
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const reports: string[] = [];
  const troubles: string[] = [];
  const lines: (readonly Json[])[] = [];
  const parts: (readonly Json[])[] = [];
  const room = { left: true };
  const clock = { nowMs: 0 };
  const kinds: Record<string, string> = { bank: 'ledger' };
  const copier = new Copier({
    authorization: 'Parley test',
    nowMs: () => clock.nowMs,
    kindOf: (group) => kinds[group] ?? '',
    onCopied: (group, attempt) => reports.push(`copied ${group} ${attempt}`),
    onPart: (_, part, some) => {
      if (part === 1) parts.length = 0;
      parts.push(some);
      return Promise.resolve();
    },
    onDropped: (group) => reports.push(`dropped ${group}`),
    hasRoom: () => room.left,
    onFinished: (group, attempt, rest) => {
      reports.push(`finished ${group} ${attempt}`);
      expect(rest.parts).to.equal(parts.length);
      lines.push([...parts.flat(), ...rest.lines]);
    },
    onFailed: (group, attempt) => reports.push(`failed ${group} ${attempt}`),
    onTrouble: (group, error) => {
      reports.push(`trouble ${group}`);
      troubles.push(String(error));
    },
  });
  try {
    await run({ source, copier, address: `127.0.0.1:${port}`, reports, troubles, lines, parts, room, clock, kinds });
  } finally {
    copier.close();
    await server.close();
  }
}

/** What the lines of a copy come to. */
function restored(lines: readonly Json[]): readonly Json[] {
  const manager = new ResourceManager({ groups: [{ group: 'bank', kind: 'ledger' }] });
  copyInto(manager, 'bank', lines);
  return manager.snapshotGroup('bank');
}

describe('The copier', () => {
  it('copies while work goes on, and brings the rest behind the barrier', async () => {
    await withCopier(async ({ source, copier, address, reports, lines }) => {
      const { hear, prepare, log, participant } = source;
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      await eventually('it has caught up', () => reports.includes('copied bank 1'));
      hear({ type: 'commit', number: prepare(TRANSFER) });
      log.sync();
      copier.run({ type: 'finish-copy', group: 'bank', attempt: 1 });
      await eventually('it has finished', () => reports.includes('finished bank 1'));
      expect(lines.map(restored)).to.deep.equal([participant.resources.snapshotGroup('bank')]);
    });
  });

  it('throws away what an earlier try still brings', async () => {
    await withCopier(async ({ copier, address, reports }) => {
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      copier.run({ type: 'copy', group: 'bank', attempt: 2, address });
      await eventually('the newest try has caught up', () => reports.includes('copied bank 2'));
      copier.run({ type: 'finish-copy', group: 'bank', attempt: 2 });
      await eventually('it has finished', () => reports.includes('finished bank 2'));
      expect(reports.filter((report) => !report.startsWith('dropped'))).to.deep.equal([
        'copied bank 2',
        'finished bank 2',
      ]);
    });
  });

  it('brings a large group in many parts, with what was committed at the source meanwhile, and little at the end', async () => {
    await withCopier(async ({ source, copier, address, reports, lines, parts }) => {
      const { hear, prepare, log, participant } = source;
      // Some 100 octets a posting, two a transfer: more than three parts of 200,000.
      for (let count = 0; count < 4_000; count += 1) {
        hear({ type: 'commit', number: prepare({ ...TRANSFER, from: 1 + (count % 2), to: 2 - (count % 2) }) });
      }
      log.sync();
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      await eventually('the copy is under way', () => parts.length > 0);
      hear({ type: 'commit', number: prepare(TRANSFER) });
      log.sync();
      await eventually('it has caught up', () => reports.includes('copied bank 1'));
      expect(parts.length).to.be.at.least(4);
      hear({ type: 'commit', number: prepare(TRANSFER) });
      log.sync();
      const before = parts.flat().length;
      copier.run({ type: 'finish-copy', group: 'bank', attempt: 1 });
      await eventually('it has finished', () => reports.includes('finished bank 1'));
      expect(lines.map(({ length }) => length - before)).to.deep.equal([1]);
      expect(lines.map(restored)).to.deep.equal([participant.resources.snapshotGroup('bank')]);
    });
  });

  it('gives a copy up for which the disk has no room, and says that its parts count no more', async () => {
    await withCopier(async ({ copier, address, reports, room }) => {
      room.left = false;
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      await eventually('it was given up', () => reports.includes('trouble bank'));
      expect(reports.slice(0, 2)).to.deep.equal(['dropped bank', 'trouble bank']);
      room.left = true;
      await eventually('it was tried again', () => reports.includes('copied bank 1'));
    });
  });

  it('says so when its source cannot be reached, and tries again until it is closed', async () => {
    await withCopier(async ({ copier, reports }) => {
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address: '127.0.0.1:1' });
      await eventually('it tried twice', () => reports.filter((report) => report === 'trouble bank').length >= 2);
      expect(new Set(reports)).to.deep.equal(new Set(['dropped bank', 'trouble bank']));
    });
  });

  it('gives up a copy that nobody went on with for a minute, and none that is younger', async () => {
    await withCopier(async ({ copier, address, reports, clock }) => {
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      await eventually('it has caught up', () => reports.includes('copied bank 1'));
      clock.nowMs = 60_000;
      copier.dropUnused();
      copier.run({ type: 'copy', group: 'bank', attempt: 2, address });
      await eventually('the next try went on with it', () => reports.includes('copied bank 2'));
      clock.nowMs = 120_000;
      copier.dropUnused();
      expect(reports).to.not.include('dropped bank');
      clock.nowMs = 120_001;
      copier.dropUnused();
      expect(reports.at(-1)).to.equal('dropped bank');
      copier.run({ type: 'finish-copy', group: 'bank', attempt: 2 });
      await eventually('the barrier is held for nothing', () => reports.includes('failed bank 2'));
    });
  });

  it('takes no line of a group that is of another kind at its source', async () => {
    await withCopier(async ({ copier, address, reports, troubles, parts, kinds }) => {
      kinds['bank'] = 'notebook';
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      await eventually('it was given up', () => reports.includes('trouble bank'));
      expect(parts).to.deep.equal([]);
      expect(troubles[0]).to.contain(`bank is a ledger at ${address} and a notebook here`);
      kinds['bank'] = 'ledger';
      await eventually('it was tried again', () => reports.includes('copied bank 1'));
    });
  });
});
