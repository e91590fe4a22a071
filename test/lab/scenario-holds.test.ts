/** What must hold at the end of a scenario: each kind of fault is seen, and a sound end has none. */
import { expect } from 'chai';
import { parseScenario } from '../../src/lab/scenario-file.ts';
import { unfulfilled } from '../../src/lab/scenario-holds.ts';
import type { Remains } from '../../src/lab/scenario-holds.ts';

const HOLDS = {
  outcomes: { TX1: 'committed' },
  balances: { bank: { '1': 900 } },
  total: { groups: ['bank'], sum: 2000 },
  rooms: { chat: { lobby: ['k1', 'k2'] } },
  notebooks: { notes: ['Hello'] },
  files: { 'P1/notebook.txt': 'Hello\n' },
  records: { P1: { TX1: ['prepared', 'committed'] } },
  stillInDoubt: ['P2'],
};

const SCENARIO = parseScenario(
  {
    id: 'X',
    title: 'x',
    cluster: { groups: { bank: { resource: 'ledger', members: ['P1', 'P2'] } } },
    steps: [{ do: 'join' }],
    holds: HOLDS,
  },
  'here',
);

const record = (type: string, more: object = {}) => ({ seq: 1, epoch: 1, record: { type, number: 'n.1', ...more } });

/** The end of a run in which all holds. */
function sound(): Remains {
  const lines = (second: number) => [
    { line: 'account', account: 1, balance: 900 },
    { line: 'account', account: 2, balance: second },
  ];
  const groups = () => ({
    bank: { resource: 'ledger' as const, lines: lines(1100) },
    chat: {
      resource: 'history' as const,
      lines: [
        { room: 'lobby', key: 'k2' },
        { room: 'lobby', key: 'k1' },
      ],
    },
    notes: { resource: 'notebook' as const, lines: [{ string: 'Hello' }] },
  });
  return {
    final: {
      version: 1,
      nodes: {
        P1: { reachable: true, inDoubt: [], groups: groups() },
        P2: { reachable: true, inDoubt: [{ number: 'n.2' }], groups: groups() },
      },
    },
    logs: [
      {
        name: 'P1',
        role: 'participant',
        records: [record('prepared', { id: 'TX1' }), record('low-water'), record('committed')],
      },
    ],
    outcomes: { TX1: { coordinator: 'committed', P1: 'committed' } },
    fileText: (path) => (path === 'P1/notebook.txt' ? 'Hello\n' : undefined),
  };
}

/** The sound end with one group replaced at P2. */
function withGroup(name: string, lines: readonly object[]): Remains {
  const remains = structuredClone({ ...sound(), fileText: undefined }) as unknown as Remains;
  const groups = remains.final.nodes['P2']?.groups as Record<string, { lines: unknown }>;
  groups[name] = { ...groups[name], lines };
  return { ...remains, fileText: sound().fileText };
}

describe('what must hold at the end of a scenario', () => {
  it('is nothing more to say when all holds', () => {
    expect(unfulfilled(SCENARIO, sound())).to.deep.equal([]);
  });

  const account = (number: number, balance: number) => ({ line: 'account', account: number, balance });
  const ends: readonly (readonly [what: string, remains: Remains, says: string])[] = [
    [
      'an outcome that is another',
      { ...sound(), outcomes: { TX1: { coordinator: 'aborted', P1: 'aborted' } } },
      'not committed',
    ],
    [
      'an outcome that is not one',
      { ...sound(), outcomes: { TX1: { coordinator: 'committed', P1: 'aborted' } } },
      'TX1 is committed at coordinator, aborted at P1',
    ],
    ['a transaction nobody knows', { ...sound(), outcomes: {} }, 'nobody knows of TX1'],
    [
      'a balance at one replica',
      withGroup('bank', [account(1, 901), account(2, 1099)]),
      'the balance of account 1 of bank at P2 is 901',
    ],
    ['a line that is missing', withGroup('chat', [{ room: 'lobby', key: 'k1' }]), 'the room lobby at P2 is ["k1"]'],
    [
      'a line that is there twice',
      withGroup(
        'chat',
        [1, 1, 2].map((n) => ({ room: 'lobby', key: `k${n}` })),
      ),
      '["k1","k1","k2"]',
    ],
    ['a string too many', withGroup('notes', [{ string: 'Hello' }, { string: 'x' }]), 'the notebook notes at P2'],
    ['a file that is not there', { ...sound(), fileText: () => undefined }, 'the text at P1/notebook.txt is null'],
    [
      'a record that is missing',
      { ...sound(), logs: [{ name: 'P1', role: 'participant', records: [record('prepared', { id: 'TX1' })] }] },
      'the records of TX1 at P1',
    ],
  ];
  for (const [what, remains, says] of ends) {
    it(`is found not to hold by ${what}`, () => {
      const faults = unfulfilled(SCENARIO, remains);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.include(says);
    });
  }

  it('is found not to hold by a total, and by somebody who is in doubt about nothing', () => {
    const { final } = sound();
    const poor = withGroup('bank', []).final.nodes['P2'];
    const nodes = {
      ...final.nodes,
      P1: { reachable: true, inDoubt: [], groups: { bank: { resource: 'ledger' as const, lines: [account(1, 900)] } } },
    };
    const faults = unfulfilled(SCENARIO, {
      ...sound(),
      final: { version: 1, nodes: { ...nodes, ...(poor && { P2: { ...poor, inDoubt: [] } }) } },
    });
    expect(faults.join(' ')).to.include('bank hold 900, and not 2000').and.to.include('P2 is in doubt about nothing');
  });
});
