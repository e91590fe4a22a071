/** The parts of the subject `commit` that need no cluster, and the floor itself. */
import { expect } from 'chai';
import { startFloor } from '../../src/bench/commit-floor.ts';
import { commitPlan } from '../../src/bench/commit-plan.ts';
import { commitRatios } from '../../src/bench/commit-ratios.ts';
import type { MeasuredPoint } from '../../src/bench/commit-subject.ts';
import { TransferWriter } from '../../src/bench/transfer-writer.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

function measured(
  competitor: string,
  series: string,
  clients: number,
  rates: readonly number[],
  p50Ms = 1,
): MeasuredPoint {
  const load = { clients, warmMs: 0, measureMs: 1, protocol: '2pc', hot: false, spread: 2 };
  const samples = rates.map((perSecond) => ({
    ...{ perSecond, p50Ms, p99Ms: p50Ms, notCommitted: 0, committed: 1, processes: [] },
  }));
  return { competitor, planned: { series, label: '', load, order: 0 }, samples };
}

describe('the ratios of commit', () => {
  it('are of medians, and a database counts at its best client count up to that many', () => {
    const { ratios } = commitRatios([
      measured('parley', '2pc', 64, [100, 900, 300]),
      measured('floor', '2pc', 64, [600]),
      measured('postgresql', '2pc', 16, [200]),
      measured('postgresql', '2pc', 64, [150]),
      measured('mariadb', '2pc', 16, [100]),
      measured('mariadb', '2pc', 128, [1000]),
    ]);
    expect(ratios).to.deep.equal({ floor64: 0.5, commit64: 1.5 });
  });

  it('a latency is compared with a latency', () => {
    const { ratios } = commitRatios([measured('parley', '2pc', 1, [9], 2), measured('parley', '3pc', 1, [1], 3)]);
    expect(ratios).to.deep.equal({ latency3pc: 1.5 });
  });

  it('one that cannot be computed is absent, and says so', () => {
    const { ratios, missing } = commitRatios([measured('parley', '2pc', 1, [100])]);
    expect(ratios).to.deep.equal({});
    expect(missing.map(({ what }) => what))
      .to.include('ratio commit1')
      .and.to.include('ratio parallel1');
  });
});

describe('the plan of commit', () => {
  it('measures the floor with the very loads of Parley', () => {
    const loads = (name: string): unknown[] =>
      commitPlan(name, false)
        .filter(({ series }) => series === '2pc')
        .map(({ load }) => load);
    expect(loads('floor')).to.deep.equal(loads('parley'));
    expect(loads('floor').length).to.equal(4);
  });
});

describe('the requests of the load', () => {
  const writer = (): TransferWriter => new TransferWriter('POST / HTTP/1.1\r\nContent-Length: ', { accounts: 100 });
  const bodyOf = (request: string): { id: string; operations: { account: number; amount: number; type: string }[] } => {
    const [head = '', body = ''] = request.split('\r\n\r\n');
    expect(Number(/Content-Length: (\d+)$/.exec(head)?.[1])).to.equal(Buffer.byteLength(body));
    return JSON.parse(body) as ReturnType<typeof bodyOf>;
  };

  it('have ids that are UUIDv7 and never come twice', () => {
    const one = writer();
    const ids = Array.from({ length: 70_000 }, () => bodyOf(one.next({ protocol: '2pc', hot: false, spread: 2 })).id);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of [ids[0], ids[65_536], ids.at(-1)]) {
      expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('move money without making any, over as many ledgers as asked', () => {
    const { operations } = bodyOf(writer().next({ protocol: '2pc', hot: false, spread: 5 }));
    const sum = operations.reduce((total, { type, amount }) => total + (type === 'debit' ? -amount : amount), 0);
    expect([operations.length, sum]).to.deep.equal([5, 0]);
  });

  it('use all accounts in turn, or one', () => {
    const one = writer();
    const accounts = (hot: boolean): Set<number> =>
      new Set(
        Array.from({ length: 50 }, () => bodyOf(one.next({ protocol: '2pc', hot, spread: 2 })).operations).flatMap(
          (each) => each.map(({ account }) => account),
        ),
      );
    expect(accounts(false).size).to.equal(100);
    expect([...accounts(true)]).to.deep.equal([1]);
  });
});

describe('the floor', () => {
  for (const parallel of [false, true]) {
    it(`answers every client${parallel ? ' without a sync of the decision' : ''}, with nothing lost`, () =>
      withTemporaryDirectory(async (directory) => {
        const floor = await startFloor({ name: 'floor', directory, parallel });
        try {
          const load = { warmMs: 50, measureMs: 300, protocol: '2pc', hot: false, spread: 2 };
          const { committed, notCommitted, processes } = await floor.measure({ ...load, clients: 8 });
          expect(committed).to.be.above(0);
          expect(notCommitted).to.equal(0);
          if (process.platform === 'linux') {
            expect(processes.map(({ name }) => name)).to.deep.equal(['clients', 'coordinator', 'P1', 'P2']);
          }
        } finally {
          await floor.end();
        }
      }));
  }
});
