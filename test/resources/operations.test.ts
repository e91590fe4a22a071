import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { isRead, validateOperation } from '../../src/resources/operations.ts';
import type { ResourceKind } from '../../src/resources/resource.ts';

const MAX = 9007199254740991;
const LINE = { key: 'k1', author: 'Ann', text: 'hi' };

function refusalOf(value: unknown, kind: ResourceKind): { code: string; message: string } {
  try {
    validateOperation(value, kind);
  } catch (error) {
    if (error instanceof ParleyError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'taken', message: '' };
}

const ledger = (fields: object): object => ({ group: 'bank', ...fields });
const history = (fields: object): object => ({ group: 'chat', ...fields });
const notebook = (fields: object): object => ({ group: 'notes', ...fields });

const TAKEN: readonly (readonly [ResourceKind, object])[] = [
  ['ledger', ledger({ type: 'transfer', from: 1, to: 2, amount: MAX })],
  ['ledger', ledger({ type: 'debit', account: MAX, amount: 1 })],
  ['ledger', ledger({ type: 'credit', account: 1, amount: 1 })],
  ['ledger', ledger({ type: 'create', opening: 0 })],
  ['ledger', ledger({ type: 'create', opening: MAX, owner: 'Zoë 👋', account: 7 })],
  ['ledger', ledger({ type: 'create', opening: 1, first: 2, step: 1000 })],
  ['ledger', ledger({ type: 'update', account: 1, balance: 0 })],
  ['ledger', ledger({ type: 'query', account: 1 })],
  ['ledger', ledger({ type: 'total' })],
  [
    'history',
    history({
      type: 'append',
      room: 'lobby',
      lines: [LINE, { ...LINE, key: 'k2', text: 'a\tb', at: '2018-03-03T22:34:52.180Z' }],
    }),
  ],
  [
    'history',
    history({
      type: 'append',
      room: 'lobby',
      lines: Array.from({ length: 1000 }, (_, i) => ({ ...LINE, key: `k${i}` })),
    }),
  ],
  [
    'history',
    history({
      type: 'append',
      room: 'x'.repeat(64),
      lines: [{ key: 'k'.repeat(64), author: 'a'.repeat(64), text: 't'.repeat(4096) }],
    }),
  ],
  ['history', history({ type: 'read', room: 'lobby' })],
  ['history', history({ type: 'read', room: 'lobby', after: 0, limit: 1000 })],
  ['notebook', notebook({ type: 'write', string: 'Hello\nworld\u0007' })],
  ['notebook', notebook({ type: 'read' })],
];

/** kind, operation, code, what the message names */
const REFUSED: readonly (readonly [ResourceKind, unknown, string, string])[] = [
  ...[-5, 0, 1.5, '100', MAX + 1, null, true, -0, Number.NaN, [], {}].map(
    (amount) => ['ledger', ledger({ type: 'transfer', from: 1, to: 2, amount }), 'bad-amount', '"amount"'] as const,
  ),
  ...[-1, 0.5, '0', MAX + 1].map(
    (opening) => ['ledger', ledger({ type: 'create', opening }), 'bad-amount', '"opening"'] as const,
  ),
  ...[-1, '7'].map(
    (balance) => ['ledger', ledger({ type: 'update', account: 1, balance }), 'bad-amount', '"balance"'] as const,
  ),
  ...[0, -1, 1.5, '1', MAX + 1].map(
    (account) => ['ledger', ledger({ type: 'query', account }), 'bad-operation', '"account"'] as const,
  ),
  ['ledger', ledger({ type: 'transfer', from: 1, to: 1, amount: 1 }), 'bad-operation', '"to"'],
  ['ledger', ledger({ type: 'transfer', from: 1, amount: 1 }), 'bad-operation', '"to" is missing'],
  ['ledger', ledger({ type: 'debit', account: 1 }), 'bad-operation', '"amount" is missing'],
  ['ledger', ledger({ type: 'create', opening: 1, balance: 2 }), 'bad-operation', '"balance" is unknown'],
  ['ledger', ledger({ type: 'create', opening: 1, first: 1, step: 1001 }), 'bad-operation', '"step"'],
  ['ledger', ledger({ type: 'create', opening: 1, first: MAX, step: 1 }), 'bad-operation', '"first"'],
  ['ledger', ledger({ type: 'create', opening: 1, owner: 'a\u001bb' }), 'bad-operation', '"owner"'],
  ['ledger', ledger({ type: 'query', account: 1, ['__proto__x']: 1 }), 'bad-operation', '__proto__x'],
  ['ledger', JSON.parse('{"group":"bank","type":"total","__proto__":{}}'), 'bad-operation', '"__proto__" is unknown'],
  ['ledger', ledger({ type: 'constructor' }), 'bad-operation', '"type"'],
  ['ledger', ledger({}), 'bad-operation', 'transfer, debit, credit, create, update, query, total'],
  ['ledger', { type: 'total' }, 'bad-operation', '"group"'],
  ['ledger', { group: 'a/b', type: 'total' }, 'bad-operation', '"group"'],
  ['ledger', ledger({ resource: 'history', type: 'total' }), 'bad-operation', '"resource"'],
  ['ledger', 'transfer', 'bad-operation', 'an object'],
  ['ledger', null, 'bad-operation', 'an object'],
  ['ledger', [], 'bad-operation', 'an object'],
  ['ledger', undefined, 'bad-operation', 'an object'],
  ['history', history({ type: 'append', room: 'a b', lines: [LINE] }), 'bad-operation', '"room"'],
  ['history', history({ type: 'append', room: 'x'.repeat(65), lines: [LINE] }), 'bad-operation', '"room"'],
  ['history', history({ type: 'append', room: 'lobby', lines: [] }), 'bad-operation', '"lines"'],
  [
    'history',
    history({ type: 'append', room: 'lobby', lines: Array.from({ length: 1001 }, () => LINE) }),
    'bad-operation',
    '"lines"',
  ],
  ['history', history({ type: 'append', room: 'lobby', lines: [LINE, 'hi'] }), 'bad-operation', '"lines[1]"'],
  [
    'history',
    history({ type: 'append', room: 'lobby', lines: [{ ...LINE, key: '' }] }),
    'bad-operation',
    '"lines[0].key"',
  ],
  [
    'history',
    history({ type: 'append', room: 'lobby', lines: [{ ...LINE, author: 'a\tb' }] }),
    'bad-operation',
    '"lines[0].author"',
  ],
  ...['', 't'.repeat(4097), 'a\nb', 'a\u0000', 'a\u007f', 'a\u009b', 'a\ud800', 7].map(
    (text) =>
      [
        'history',
        history({ type: 'append', room: 'lobby', lines: [{ ...LINE, text }] }),
        'bad-operation',
        '"lines[0].text"',
      ] as const,
  ),
  ...['2018-03-03', '2018-02-30T00:00:00Z', '2018-03-03T25:00:00Z', '2018-03-03T22:34:52+01:00', 5].map(
    (at) =>
      [
        'history',
        history({ type: 'append', room: 'lobby', lines: [{ ...LINE, at }] }),
        'bad-operation',
        '"lines[0].at"',
      ] as const,
  ),
  [
    'history',
    history({ type: 'append', room: 'lobby', lines: [{ ...LINE, seq: 1 }] }),
    'bad-operation',
    '"lines[0].seq" is unknown',
  ],
  ['history', history({ type: 'read', room: 'lobby', limit: 1001 }), 'bad-operation', '"limit"'],
  ['history', history({ type: 'read', room: 'lobby', after: -1 }), 'bad-operation', '"after"'],
  ['notebook', notebook({ type: 'write', string: '' }), 'bad-operation', '"string"'],
  ['notebook', notebook({ type: 'write', string: 'a\u0000' }), 'bad-operation', '"string"'],
  ['notebook', notebook({ type: 'write', string: 't'.repeat(4097) }), 'bad-operation', '"string"'],
];

describe('The grammar of operations', () => {
  for (const [kind, operation] of TAKEN) {
    it(`takes ${JSON.stringify(operation).slice(0, 90)} as it is and fills in the resource`, () => {
      expect(validateOperation(operation, kind)).to.deep.equal({ ...operation, resource: kind });
    });
  }

  for (const [kind, operation, code, named] of REFUSED) {
    it(`refuses ${(JSON.stringify(operation) ?? 'nothing').slice(0, 90)} with ${code}, naming ${named}`, () => {
      const refusal = refusalOf(operation, kind);
      expect(refusal.code).to.equal(code);
      expect(refusal.message).to.include(named);
    });
  }

  it('knows the operations that change nothing', () => {
    const reads = TAKEN.filter(([kind, operation]) => isRead(validateOperation(operation, kind)));
    expect(reads.map(([, operation]) => (operation as { type: string }).type)).to.deep.equal([
      'query',
      'total',
      'read',
      'read',
      'read',
    ]);
  });
});
