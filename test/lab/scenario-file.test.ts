import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ParleyError } from '../../src/base/errors.ts';
import { parseScenario, readScenario, scenariosNamed, shippedScenarios } from '../../src/lab/scenario-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const SOUND = {
  id: 'X-1',
  title: 'Something is shown',
  cluster: { participants: 2, groups: { bank: { resource: 'ledger', members: ['P1'] } } },
  transactions: { pay: [{ group: 'bank', resource: 'ledger', type: 'credit', account: 1, amount: 1 }] },
  steps: [{ do: 'transact', id: 'TX1', operations: 'pay' }],
};

/** What is wrong with the sound scenario once these members are replaced. */
function faultOf(change: object): string {
  try {
    parseScenario({ ...SOUND, ...change }, 'x.json');
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    expect(error.code).to.equal('bad-config');
    return error.message;
  }
  return expect.fail('it was taken');
}

describe('a scenario file', () => {
  it('is read with its defaults filled in', () => {
    const scenario = parseScenario(SOUND, 'x.json');
    expect(scenario.cluster).to.include({ protocol: '2pc', proxied: false });
    expect(scenario.steps[0]).to.include({ do: 'transact', wait: true });
    expect(scenario.holds).to.include({ verdict: 'ok' });
  });

  const faults: readonly (readonly [what: string, change: object, says: readonly string[]])[] = [
    ['an unknown key', { stepz: [] }, ['x.json', 'stepz', 'allowed: id, title', 'steps']],
    [
      'an unknown key of a step',
      { steps: [{ do: 'kill', nodes: 'P1', node: 'P1' }] },
      ['steps.0', 'nodes', 'allowed: do, node'],
    ],
    ['an unknown step', { steps: [{ do: 'kil', node: 'P1' }] }, ['steps.0.do', '"kil"', 'kill']],
    ['no steps', { steps: [] }, ['steps']],
    ['a missing title', { title: undefined }, ['title', 'is missing']],
    [
      'a protocol that is none',
      { cluster: { ...SOUND.cluster, protocol: '4pc' } },
      ['cluster.protocol', '"4pc"', '3pc'],
    ],
    ['a node that is none', { steps: [{ do: 'kill', node: 'P3' }] }, ['steps.0.node', 'P3', 'coordinator, P1, P2']],
    [
      'a member that is none',
      { cluster: { groups: { g: { resource: 'ledger', members: ['P7'] } } } },
      ['cluster.groups.g.members', 'P7'],
    ],
    ['a link without the proxy', { steps: [{ do: 'heal' }] }, ['steps.0', 'proxied']],
    [
      'a list of operations that is not there',
      { steps: [{ do: 'transact', id: 'T', operations: 'x' }] },
      ['steps.0.operations', 'pay'],
    ],
  ];
  for (const [what, change, says] of faults) {
    it(`with ${what} is refused, by the file, the key and what is allowed`, () => {
      const message = faultOf(change);
      for (const part of says) expect(message).to.include(part);
    });
  }

  it('that cannot be read, or is no JSON, is named', async () => {
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'mine.json');
      expect(() => readScenario(path))
        .to.throw(path)
        .with.property('code', 'bad-config');
      await writeFile(path, '{');
      expect(() => readScenario(path))
        .to.throw(path)
        .with.property('code', 'bad-config');
      await writeFile(path, JSON.stringify(SOUND));
      expect(scenariosNamed(path).map(({ id }) => id)).to.deep.equal(['X-1']);
    });
  });

  it('that is shipped has an id of its own, and is found by it, by its beginning, and by all', () => {
    const ids = shippedScenarios().map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    expect(scenariosNamed('all')).to.have.length(ids.length);
    expect(scenariosNamed('S2-13').map(({ id }) => id)).to.deep.equal(['S2-13']);
    expect(scenariosNamed('S0-14')).to.have.length(5);
    expect(() => scenariosNamed('S2-1'), 'S2-1 is no beginning of S2-13').to.throw('no scenario S2-1');
  });
});

describe('scenarios by name', () => {
  it('are refused when there is none', () => {
    expect(() => scenariosNamed('S9-99'))
      .to.throw('no scenario S9-99')
      .with.property('code', 'usage');
  });
});
