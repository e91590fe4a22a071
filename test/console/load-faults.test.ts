import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { faultLines, readFault } from '../../src/console/fault-words.ts';
import { readFaults, withFaults } from '../../src/console/load-faults.ts';
import { FakeTransport } from './console-harness.ts';
import type { FakeAnswer } from './console-harness.ts';

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ParleyError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('fault rules in words', () => {
  it('are a node, a kind, and name=value', () => {
    expect(readFault(['Node6001', 'CRASH', 'percent=30%', 'at=prepare'])).to.deep.equal({
      ...{ node: 'Node6001', do: 'crash', percent: 30, at: 'prepare' },
    });
    expect(readFaults(' P1 silence ; P2 unreachable above=800;')).to.deep.equal([
      { node: 'P1', do: 'silence' },
      { node: 'P2', do: 'unreachable', above: 800 },
    ]);
    expect(readFaults('')).to.deep.equal([]);
    expect(refusal(() => readFault(['P1', 'slow', '50']))).to.equal('usage: "50" is no name=value.');
  });

  it('are listed by node, also those of a node that is down or takes none', () => {
    const rule = { fault: 'F1', rule: { do: 'silence' }, text: 'silence', hits: 2 };
    const nodes = [
      { node: 'coordinator', up: true, open: true, faults: [] },
      {
        node: 'P1',
        up: true,
        open: true,
        faults: [rule, { ...rule, fault: 'F2', rule: { do: 'crash' }, text: 'crash' }],
      },
      { node: 'P2', up: true, open: false, faults: [] },
      { node: 'P3', up: false },
    ];
    expect(faultLines({ nodes })).to.deep.equal([
      'coordinator  up    no fault rule',
      'P1           up    F1: silence (2 hit)',
      '                   F2: crash',
      'P2           up    not started for faults',
      'P3           down',
    ]);
  });
});

describe('fault rules of a load', () => {
  const rules = [
    { node: 'P1', do: 'silence' },
    { node: 'P2', do: 'slow', ms: 5 },
  ];

  async function run(answers: readonly FakeAnswer[], work: () => Promise<string>) {
    const left = [...answers];
    const asked: string[] = [];
    const told: string[] = [];
    const client = new ApiClient(
      new FakeTransport(({ method, path }) => {
        asked.push(`${method} ${path}`);
        return left.shift() ?? [200, {}];
      }),
    );
    let result = '';
    try {
      result = await withFaults(client, rules, (line) => void told.push(line), work);
    } catch (error) {
      result = error instanceof ParleyError ? error.code : String(error);
    }
    return { asked, told, result };
  }

  it('are set before it, and taken back after it, also when it fails', async () => {
    const set = (node: string): FakeAnswer => [201, { node, fault: 'F4', faults: [] }];
    const well = await run([set('P1'), set('P2')], () => Promise.resolve('done'));
    expect(well.result).to.equal('done');
    const asked = ['POST /bank/faults', 'POST /bank/faults', 'DELETE /bank/faults/P1/F4', 'DELETE /bank/faults/P2/F4'];
    expect(well.asked).to.deep.equal(asked);
    const ill = await run([set('P1'), set('P2')], () => Promise.reject(new ParleyError('busy', 'no')));
    expect([ill.result, ill.asked]).to.deep.equal(['busy', asked]);
  });

  it('that are refused are told before anything runs, and what was set is taken back', async () => {
    let ran = false;
    const refused: FakeAnswer = [409, { code: 'no-faults', detail: 'P2 was not started for faults.' }];
    const { result, asked } = await run([[201, { node: 'P1', fault: 'F1' }], refused], () => {
      ran = true;
      return Promise.resolve('done');
    });
    expect([result, ran]).to.deep.equal(['no-faults', false]);
    expect(asked.at(-1)).to.equal('DELETE /bank/faults/P1/F1');
  });

  it('of a node that was started again are gone with its old process, which is said', async () => {
    const set: FakeAnswer = [201, { node: 'P1', fault: 'F1' }];
    const gone: FakeAnswer = [404, { code: 'not-found', detail: 'P1 has no fault rule F1.' }];
    const { told } = await run([set, set, gone, gone], () => Promise.resolve('done'));
    expect(told.at(-1)).to.equal('P1 was started again, and F1 is gone with its old process');
  });
});
