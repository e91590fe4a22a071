/** The checker passes a good run and catches every bad one: each has one wrong thing, written down by hand. */
import { expect } from 'chai';
import { check } from '../../../src/lab/checker/check.ts';
import { reportLines } from '../../../src/lab/checker/report-text.ts';
import { INVARIANTS } from '../../../src/lab/checker/verdict.ts';
import { BAD_RUNS } from './bad-runs.ts';
import { LiteralRun, about, begin, commit, numberOf } from './literal-run.ts';
import type { CheckReport } from '../../../src/lab/checker/verdict.ts';

const checked = (spoil: (run: LiteralRun) => void = () => undefined): CheckReport => {
  const run = new LiteralRun();
  spoil(run);
  return check(run.input());
};

const whats = ({ violations }: CheckReport): string[] =>
  violations.map(({ invariant, what }) => `${invariant} ${what}`);

describe('the checker of runs', () => {
  it('finds nothing in a good run, having looked at all of it', () => {
    const report = checked();
    expect(whats(report)).to.deep.equal([]);
    expect(report.verdict).to.equal('ok');
    expect(report.counts).to.deep.equal({
      ...{ nodes: 3, records: 48, attempts: 6, committed: 5, aborted: 1, undecided: 0 },
      ...{ clientEvents: 24, reads: 6 },
    });
  });

  for (const { invariant, title, spoil } of BAD_RUNS) {
    it(`${invariant}: catches ${title}`, () => {
      const report = checked(spoil);
      expect(report.verdict).to.equal('violated');
      expect(whats(report).filter((what) => what.startsWith(`${invariant} `))).to.have.length.greaterThan(0);
      for (const { what, evidence } of report.violations) expect(evidence, what).to.have.length.greaterThan(0);
    });
  }

  it('is tested with at least two bad runs for each invariant', () => {
    for (const invariant of Object.keys(INVARIANTS)) {
      expect(BAD_RUNS.filter((bad) => bad.invariant === invariant).length, invariant).to.be.at.least(2);
    }
  });

  it('says what is wrong in words, with the records that show it', () => {
    const [bad] = BAD_RUNS;
    const lines = reportLines(checked((run) => bad?.spoil(run))).join('\n');
    expect(lines).to.match(/^VIOLATED/);
    expect(lines).to.include('I1 all or none');
    expect(lines).to.include('TX001 (c0000000.1.2) is committed at C, P1, P2 and aborted at P2.');
    expect(lines).to.match(/ {4}P2 {2}6\s+1\s+aborted\s+c0000000\.1\.2/);
  });
});

describe('the verdict of the checker', () => {
  it('is inconclusive when a fault never hit', () => {
    const report = checked((run) => Object.assign(run.run?.faults[0] ?? {}, { hits: 0 }));
    expect(report.verdict).to.equal('inconclusive');
    expect(report.inconclusive).to.deep.equal(['the fault "kill P2" never hit']);
  });

  it('is inconclusive when fewer committed than the run asks for', () => {
    expect(checked((run) => Object.assign(run.run?.floor ?? {}, { committed: 6 })).verdict).to.equal('inconclusive');
  });

  it('is inconclusive when nobody looked how it ended, or not everywhere', () => {
    expect(checked((run) => (run.final = undefined)).verdict).to.equal('inconclusive');
    const unread = checked((run) => Object.assign(run.final?.nodes['P2'] ?? {}, { reachable: false }));
    expect(unread.verdict).to.equal('inconclusive');
  });

  it('is inconclusive when the history cannot be understood', () => {
    const report = checked((run) => run.history?.splice(0, 1));
    expect(report.verdict).to.equal('inconclusive');
  });

  it('stays violated when the run is inconclusive too', () => {
    const report = checked((run) => {
      run.drop('P2', 'committed', 2);
      Object.assign(run.run?.faults[0] ?? {}, { hits: 0 });
    });
    expect(report.verdict).to.equal('violated');
  });
});

describe('being in doubt at the end', () => {
  /** The coordinator is dead; TX005 is promised at both and decided nowhere. */
  const coordinatorDead = (run: LiteralRun): void => {
    for (const type of ['commit', 'end']) run.drop('C', type, 6);
    run.drop('C', 'low-water');
    for (const node of ['P1', 'P2'] as const) {
      run.drop(node, 'committed', 6);
      Object.assign(run.final?.nodes[node] ?? {}, { inDoubt: [{ number: numberOf(6), id: 'TX005' }], locked: 2 });
      run.final?.nodes[node]?.groups?.['bank']?.lines.splice(
        3,
        3,
        { line: 'account', account: 2, opening: 500, balance: 600 },
        { line: 'posting', account: 2, number: numberOf(2), id: 'TX001', type: 'transfer', delta: 100, other: 1 },
      );
    }
    Object.assign(run.answer('transaction', 5), { kind: 'info', out: {} });
    run.history?.splice(-4);
    Object.assign(run.final?.nodes['C'] ?? {}, { reachable: false });
    Object.assign(run.run ?? {}, { mayBlock: true, floor: { committed: 4 } });
  };

  it('is legal by 2PC when the coordinator is dead and all that are left have promised', () => {
    const report = checked(coordinatorDead);
    expect(whats(report)).to.deep.equal([]);
    expect(report.verdict).to.equal('blocked-legally');
    expect(report.blocked.join()).to.include('C cannot be reached; P1, P2 have promised');
  });

  it('is a violation when the run did not say that it may be', () => {
    const report = checked((run) => {
      coordinatorDead(run);
      Object.assign(run.run ?? {}, { mayBlock: false });
    });
    expect(report.verdict).to.equal('violated');
  });

  it('is a violation when one that is left knows the decision', () => {
    const report = checked((run) => {
      coordinatorDead(run);
      run.insert('C', [commit(6)]);
      run.insert('P1', [about('committed', 6)]);
    });
    expect(whats(report).join()).to.include('P1 knows the decision and can be reached');
  });

  it('is a violation by 3PC when those left are a quorum, and legal when they are none', () => {
    const asThreePhase = (run: LiteralRun): void => {
      coordinatorDead(run);
      run.record('C', 'begin', 6)['protocol'] = '3pc';
      for (const node of ['P1', 'P2'] as const) run.record(node, 'prepared', 6)['protocol'] = '3pc';
    };
    expect(whats(checked(asThreePhase)).join()).to.include('weight 2 of 3, a quorum, which decides');
    const alone = checked((run) => {
      asThreePhase(run);
      Object.assign(run.final?.nodes['P2'] ?? {}, { reachable: false });
    });
    expect(alone.verdict).to.equal('blocked-legally');
    expect(alone.blocked.join()).to.include('weight 1 of 3, no quorum');
  });
});

describe('what is no violation', () => {
  it('is a member that left its view and has neither committed nor acknowledged', () => {
    const report = checked((run) => {
      run.drop('P2', 'committed', 6);
      run.record('C', 'end', 6)['left'] = ['P2'];
      run.insert('C', [{ type: 'view', group: 'bank', version: 2, members: ['P1'], why: 'P2 left' }]);
      run.record('C', 'low-water')['peers'] = {};
      Object.assign(run.final?.views?.[0] ?? {}, { version: 2, members: ['P1'] });
      run.final?.nodes['P2']?.groups?.['bank']?.lines.splice(
        3,
        3,
        { line: 'account', account: 2, opening: 500, balance: 600 },
        { line: 'posting', account: 2, number: numberOf(2), id: 'TX001', type: 'transfer', delta: 100, other: 1 },
      );
      run.history?.splice(-2);
    });
    expect(whats(report)).to.deep.equal([]);
  });

  it('is a promise whose effect came with a copy of the group', () => {
    const report = checked((run) => {
      const lines = structuredClone(run.final?.nodes['P1']?.groups?.['bank']?.lines ?? []);
      run.insert(
        'P2',
        [about('superseded', 6, { group: 'bank' }), { type: 'copied', group: 'bank', part: 1, parts: 1, lines }],
        ['committed', 6],
      );
    });
    expect(whats(report)).to.deep.equal([]);
  });

  it('is a reader who saw an empty room where a copy brought the first lines later', () => {
    const report = checked((run) => {
      const lines = structuredClone(run.final?.nodes['P2']?.groups?.['chat']?.lines ?? []);
      const copied = { type: 'copied', group: 'chat', part: 1, parts: 1, lines };
      run.insert('P2', [about('superseded', 4, { group: 'chat' }), copied], ['committed', 4]);
      const asked = { node: 'P2', group: 'chat', room: 'lobby', after: 0 };
      run.history?.unshift(
        { t: -20, process: 'c1', kind: 'invoke', f: 'room', in: asked },
        { t: -10, process: 'c1', kind: 'ok', f: 'room', out: {} },
      );
    });
    expect(whats(report)).to.deep.equal([]);
  });

  it('is two attempts of one transaction of which one aborts', () => {
    const report = checked((run) => {
      run.insert('C', [begin(2, { number: numberOf(8) }), about('abort', 8, { reason: { code: 'not-in-view' } })]);
    });
    expect(whats(report)).to.deep.equal([]);
  });

  it('is an acknowledged commit whose records went with the segments before a checkpoint', () => {
    const report = checked((run) => {
      const all = run.logs.P2.records.map(({ record, epoch }, index) => ({ seq: index + 1, epoch, record }));
      const resources = [
        {
          group: 'bank',
          kind: 'ledger',
          lines: [
            { line: 'ledger', nextAccount: 3 },
            { line: 'account', account: 1, opening: 1000, balance: 900 },
            { line: 'posting', account: 1, number: numberOf(2), id: 'TX001', type: 'transfer', delta: -100, other: 2 },
            { line: 'account', account: 2, opening: 500, balance: 600 },
            { line: 'posting', account: 2, number: numberOf(2), id: 'TX001', type: 'transfer', delta: 100, other: 1 },
          ],
        },
        { group: 'chat', kind: 'history', lines: run.final?.nodes['P2']?.groups?.['chat']?.lines ?? [] },
      ];
      const checkpoint = { seq: 10, epoch: 1, incarnation: 'p2000000', protocol: [], outcomes: [], resources };
      run.logs.P2.more = { records: all.slice(10), checkpoint };
    });
    expect(whats(report)).to.deep.equal([]);
    expect(report.notChecked.map(({ why }) => why).join()).to.include('the beginning of the log of P2 is gone');
  });

  it('is a log that was begun anew after the transaction, and filled by a copy', () => {
    const report = checked((run) => {
      const lines = structuredClone(run.final?.nodes['P2']?.groups ?? {});
      const copy = (group: string) => ({ type: 'copied', group, part: 1, parts: 1, lines: lines[group]?.lines ?? [] });
      const start = { type: 'start', name: 'P2', role: 'participant', incarnation: 'p2new000' };
      run.logs.P2.records = [start, copy('bank'), copy('chat')].map((record) => ({ record, epoch: 1 }));
      run.record('C', 'low-water')['peers'] = {};
      run.insert('C', [{ type: 'peer', name: 'P2', incarnation: 'p2new000', epoch: 1, start: 's', address: 'a' }]);
      run.history = undefined;
    });
    expect(whats(report)).to.deep.equal([]);
    expect(report.notChecked.map(({ why }) => why).join()).to.include('the log of P2 was begun anew');
  });

  it('is what nobody counted, which is listed and not taken for none', () => {
    const report = checked((run) => {
      for (const left of ['locked', 'waiting', 'handles'] as const) delete run.final?.nodes['P2']?.[left];
    });
    expect(whats(report)).to.deep.equal([]);
    const listed = report.notChecked.map(({ invariant, why }) => `${invariant} ${why}`);
    expect(listed).to.include.members([
      'I10 locks of P2: nobody counted them',
      'I10 what P2 holds open: nobody counted it',
    ]);
    expect(listed.join()).to.not.include('P1');
  });

  it('is an unknown answer, whatever came of it', () => {
    const unknown = checked((run) => Object.assign(run.answer('transaction', 1), { kind: 'info', out: {} }));
    expect(whats(unknown)).to.deep.equal([]);
  });

  it('is a commit that another log shows only after the first reading of a running cluster', () => {
    const report = checked((run) => {
      run.final = undefined;
      run.run = undefined;
      run.history = undefined;
      run.logs.C.more = { settledSeq: 20 };
      run.logs.P1.more = { settledSeq: 11 };
      for (const type of ['prepared', 'committed']) run.drop('P2', type, 6);
    });
    expect(whats(report)).to.deep.equal([]);
  });
});
