/** The load generator against a bank that a test plays, honest and not. */
import { expect } from 'chai';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { runLoad } from '../../src/console/bank-load.ts';
import { loadLines, loadVerdict, racesOf } from '../../src/console/load-text.ts';
import { countingIds, FakeTransport } from './console-harness.ts';
import type { LoadPlan, LoadResult } from '../../src/console/bank-load.ts';
import type { ApiRequest } from '../../src/console/api-client.ts';
import type { FakeAnswer } from './console-harness.ts';

const PLAN: LoadPlan = {
  // At a rate the number of transfers does not depend on how fast this machine is.
  ...{ clients: 4, durationMs: 60, rate: 1000, accounts: 3, opening: 100 },
  ...{ hot: 0.5, tooMuch: 0.2, twice: 0.3, rounds: 0 },
};

/** Its duration times its rate. */
const TRANSFERS = 60;

/** What a bank does wrong: loses the money of every tenth transfer, gives it to another account, never says how it ended or says it late, or takes none. */
type Vice = 'loses' | 'misplaces' | 'is silent' | 'is late' | 'refuses' | 'changes its word';

/** What the played bank says of its locks. */
const LOCKS = { nodes: 2, taken: 14, ms: { p50: 0.0125, p99: 0.75, most: 3 } };

class PlayedBank {
  readonly balances = new Map([[1, 7]]);
  readonly answers = new Map<string, FakeAnswer>();
  readonly vice: Vice | undefined;
  largest = 0;

  constructor(vice: Vice | undefined) {
    this.vice = vice;
  }

  answer({ path, json }: ApiRequest): FakeAnswer {
    const account = Number(/^\/bank\/accounts\/(\d+)$/.exec(path)?.[1]);
    const body = json as Record<string, number> & { readonly id: string };
    if (path === '/bank/statistics') return [200, { locks: LOCKS }];
    if (path === '/bank/total')
      return [200, { outcome: 'committed', total: [...this.balances.values()].reduce((a, b) => a + b) }];
    if (path === '/bank/accounts') {
      const next = this.balances.size + 1;
      this.balances.set(next, body['opening'] ?? 0);
      return [200, { outcome: 'committed', account: next, balance: body['opening'] }];
    }
    if (path !== '/bank/transfers') return [200, { account, balance: this.balances.get(account), held: 0 }];
    const known = this.answers.get(body.id);
    if (known !== undefined) return this.#again(known);
    const answer = this.#transfer(body);
    this.answers.set(body.id, answer);
    return answer;
  }

  #transfer({ from = 0, to = 0, amount = 0 }: Record<string, number>): FakeAnswer {
    this.largest = Math.max(this.largest, amount);
    const odd = this.answers.size % 10 === 9;
    if (odd && this.vice === 'is silent') return [202, { outcome: 'unknown' }];
    if (odd && this.vice === 'refuses') return [503, { code: 'draining', detail: 'It is stopping.', definite: true }];
    if ((this.balances.get(from) ?? 0) < amount) {
      return [409, { code: 'insufficient-funds', detail: 'Too little.', outcome: 'aborted' }];
    }
    const receiver = odd && this.vice === 'misplaces' ? 1 : to;
    this.balances.set(from, (this.balances.get(from) ?? 0) - amount);
    if (!odd || this.vice !== 'loses') this.balances.set(receiver, (this.balances.get(receiver) ?? 0) + amount);
    return odd && this.vice === 'is late' ? [202, { outcome: 'unknown' }] : [200, { outcome: 'committed' }];
  }

  /** The same id again. */
  #again(known: FakeAnswer): FakeAnswer {
    if (this.vice === 'changes its word') return [200, { outcome: 'aborted' }];
    // It knows by the time the last of the plan's transfers is sent.
    if (this.vice === 'is late' && JSON.stringify(known).includes('unknown') && this.answers.size === TRANSFERS)
      return [200, { outcome: 'committed' }];
    return known;
  }
}

async function loadOf(vice?: Vice, plan = PLAN): Promise<{ readonly result: LoadResult; readonly bank: PlayedBank }> {
  const bank = new PlayedBank(vice);
  const client = new ApiClient(new FakeTransport((request) => bank.answer(request)));
  const settle = { patienceMs: 1, pauseMsFirst: 1, pauseMsMax: 1 };
  const world = { client, settle, random: new SeededRandom(7), makeId: countingIds(), onProgress: () => undefined };
  return { result: await runLoad(plan, world), bank };
}

describe('parley bank load', () => {
  it('moves money between accounts of its own, counts what came of it, and finds it conserved', async () => {
    const { result, bank } = await loadOf();
    const { statistics } = result;
    expect(statistics.committed).to.be.greaterThan(10);
    expect(statistics.causes.funds, 'what was too much').to.be.greaterThan(0);
    expect(statistics.rolledBack).to.equal(statistics.causes.funds);
    expect(statistics.attempted, 'what was sent twice counts once').to.equal(bank.answers.size);
    expect(bank.largest).to.equal(301);
    expect(result).to.deep.include({ totalBefore: '307', totalAfter: '307', accounts: 3, wrong: [], contradicted: 0 });
    expect(bank.balances.get(1), 'an account of somebody else').to.equal(7);
    expect(loadVerdict(result)).to.equal('conserved');
    const lines = loadLines(PLAN, result);
    expect(lines).to.include('total before 307, after 307').and.to.include('verdict: conserved');
    expect(lines[0]).to.equal('=== CONCURRENT EXECUTION RESULTS ===');
  });

  it('S3-12: times single transfers and three at once before the load, and reports them with locks and races', async () => {
    const bank = new PlayedBank(undefined);
    let clockMs = 0;
    let answers = 0;
    const underWay: number[] = [];
    const transport: FakeTransport = new FakeTransport((request) => {
      const answer = bank.answer(request);
      if (request.path === '/bank/transfers') {
        // It does one after the other, and takes 7 ms for each.
        clockMs += 7;
        underWay.push(transport.requests.length - answers);
      }
      answers += 1;
      return answer;
    });
    const plan = { ...PLAN, durationMs: 0, rounds: 2 };
    const result = await runLoad(plan, {
      ...{ client: new ApiClient(transport), settle: { patienceMs: 1, pauseMsFirst: 1, pauseMsMax: 1 } },
      ...{ random: new SeededRandom(7), makeId: countingIds(), onProgress: () => undefined, nowMs: () => clockMs },
    });
    expect(underWay).to.deep.equal([1, 1, 3, 2, 1, 3, 2, 1]);
    expect(result.statistics.attempted, 'the rounds are not among the figures of the load').to.equal(0);
    expect(loadVerdict(result)).to.equal('conserved');
    const lines = loadLines(plan, result);
    expect(lines.slice(lines.indexOf('Figures:'), lines.indexOf('Figures:') + 5)).to.deep.equal([
      'Figures:',
      '  Single transaction:  7.0 ms (p50 of 2)',
      '  3 concurrent:        21.0 ms (p50 of 2, until all three had ended)',
      '  Lock acquisition:    p50 0.013 ms, p99 0.750 ms, most 3.000 ms; 14 taken at 2 nodes',
      '  Race conditions:     0 (in 3 accounts, the total, and what was sent twice)',
    ]);
  });

  it('S3-12: finds the races of a bank that loses, misplaces or takes back money', async () => {
    const vices: readonly Vice[] = ['loses', 'misplaces', 'changes its word'];
    for (const vice of vices) {
      const { result } = await loadOf(vice);
      expect(racesOf(result), vice).to.be.greaterThan(0);
      expect(loadLines(PLAN, result).join('\n')).to.match(/Race conditions: +[1-9]/);
    }
    const { result } = await loadOf('is silent');
    const open = { ...result, wrong: [{ account: 2, expected: 10, balance: 12 }] };
    expect(loadLines(PLAN, open).join('\n')).to.match(/Race conditions: +not known while outcomes are unknown/);
    expect(racesOf((await loadOf()).result)).to.equal(0);
  });

  it('begins transfers at the rate it was given, and not faster', async () => {
    const { result } = await loadOf(undefined, { ...PLAN, durationMs: 100, rate: 100 });
    expect(result.statistics.attempted).to.equal(10);
  });

  // prettier-ignore
  const vices: readonly (readonly [vice: Vice, verdict: string, said: RegExp])[] = [
    ['loses', 'violated', /total before 307, after \d+: MONEY WAS MADE OR LOST/],
    ['misplaces', 'violated', /of 3 accounts of this run hold something else than the answers say/],
    ['changes its word', 'violated', /transfers were answered otherwise the second time/],
    ['is silent', 'conserved', /Outcome not known yet: +[1-9]/],
    ['refuses', 'conserved', /transfers refused before they became transactions/],
  ];
  for (const [vice, verdict, said] of vices) {
    it(`says ${verdict} of a bank that ${vice}`, async () => {
      const { result } = await loadOf(vice);
      expect(loadVerdict(result)).to.equal(verdict);
      expect(loadLines(PLAN, result).join('\n')).to.match(said);
    });
  }

  it('asks once more at the end for what had no outcome, and counts it as what it became', async () => {
    const { result } = await loadOf('is late');
    expect(result.statistics.unknown).to.equal(0);
    expect(result.statistics.attempted).to.equal(TRANSFERS);
    expect(result).to.deep.include({ wrong: [], refused: 0 });
    expect(loadVerdict(result)).to.equal('conserved');
  });

  it('does not take a refusal for a rollback', async () => {
    const { result } = await loadOf('refuses');
    expect(result.refused).to.be.greaterThan(0);
    expect(result.statistics.rolledBack).to.equal(result.statistics.causes.funds);
    expect(result.statistics.attempted + result.refused).to.equal(TRANSFERS);
  });

  it('says nothing for sure where the outcome of a transfer may explain what an account holds', async () => {
    const { result } = await loadOf('is silent');
    const wrong = [{ account: 2, expected: 10, balance: 12 }];
    expect(loadVerdict({ ...result, wrong })).to.equal('open');
    expect(loadVerdict({ ...result, wrong: [{ account: 2, expected: 10, balance: -1 }] })).to.equal('violated');
  });
});
