import { expect } from 'chai';
import type { Json } from '../../src/base/canonical-json.ts';
import { Copier } from '../../src/daemons/copier.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { Router } from '../../src/net/router.ts';
import { served } from '../api/served-participant.ts';
import { eventually } from '../support/eventually.ts';

const TRANSFER = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 10 };

/** A source over a real socket, a copier, and what it reported. */
async function withCopier(
  run: (parts: {
    readonly source: ReturnType<typeof served>;
    readonly copier: Copier;
    readonly address: string;
    readonly reports: string[];
    readonly lines: (readonly Json[])[];
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
  const lines: (readonly Json[])[] = [];
  const copier = new Copier({
    kindOf: () => 'ledger',
    authorization: 'Parley test',
    onCopied: (group, attempt) => reports.push(`copied ${group} ${attempt}`),
    onFinished: (group, attempt, all) => {
      reports.push(`finished ${group} ${attempt}`);
      lines.push(all);
    },
    onFailed: (group, attempt) => reports.push(`failed ${group} ${attempt}`),
    onTrouble: (group) => reports.push(`trouble ${group}`),
  });
  try {
    await run({ source, copier, address: `127.0.0.1:${port}`, reports, lines });
  } finally {
    copier.close();
    await server.close();
  }
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
      expect(lines).to.deep.equal([participant.resources.snapshotGroup('bank')]);
    });
  });

  it('throws away what an earlier try still brings', async () => {
    await withCopier(async ({ copier, address, reports }) => {
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address });
      copier.run({ type: 'copy', group: 'bank', attempt: 2, address });
      await eventually('the newest try has caught up', () => reports.includes('copied bank 2'));
      copier.run({ type: 'finish-copy', group: 'bank', attempt: 2 });
      await eventually('it has finished', () => reports.includes('finished bank 2'));
      expect(reports).to.deep.equal(['copied bank 2', 'finished bank 2']);
    });
  });

  it('says so when its source cannot be reached, and tries again until it is closed', async () => {
    await withCopier(async ({ copier, reports }) => {
      copier.run({ type: 'copy', group: 'bank', attempt: 1, address: '127.0.0.1:1' });
      await eventually('it tried twice', () => reports.length >= 2);
      expect(new Set(reports)).to.deep.equal(new Set(['trouble bank']));
    });
  });
});
