/** cluster.json: the shipped file is the built-in cluster, and every fault is named by its key. */
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParleyError } from '../../src/base/errors.ts';
import {
  clusterFileText,
  defaultCluster,
  nodeNamed,
  parseCluster,
  parseClusterFile,
  withBackends,
} from '../../src/daemons/cluster-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

/** A sound cluster with one thing changed; the changed copy is returned as plain JSON. */
function changed(change: (cluster: Record<string, never>) => void): unknown {
  const cluster = JSON.parse(JSON.stringify(defaultCluster())) as Record<string, never>;
  change(cluster);
  return cluster;
}

function faultOf(cluster: unknown): string {
  try {
    parseCluster(cluster, 'c.json');
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    expect(error).to.include({ code: 'bad-config', exitCode: 2 });
    expect(error.message).not.to.include('\n');
    return error.message;
  }
  throw new Error('expected the cluster to be refused');
}

/** Sets the value at a dotted path, or removes it when undefined. */
function set(path: string, value: unknown): unknown {
  return changed((cluster) => {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = cluster as Record<string, unknown>;
    for (const key of keys) at = at[key] as Record<string, unknown>;
    if (value === undefined) Reflect.deleteProperty(at, last);
    else at[last] = value;
  });
}

describe('the cluster file', () => {
  it('that is shipped says the same as the built-in cluster', () => {
    const shipped = join(import.meta.dirname, '..', '..', 'cluster.json');
    expect(parseClusterFile(shipped)).to.deep.equal(defaultCluster());
  });

  it('reads back what it wrote', () => {
    const cluster = withBackends(defaultCluster(), 7);
    expect(parseCluster(JSON.parse(clusterFileText(cluster)), 'c.json')).to.deep.equal(cluster);
  });

  it('needs nodes and groups only; the rest has defaults', () => {
    const { nodes, groups, timings } = defaultCluster();
    const cluster = parseCluster({ nodes, groups, timings: { askMs: 5 } }, 'c.json');
    expect(cluster).to.deep.equal({
      nodes,
      groups,
      opening: {},
      protocol: { default: '2pc' },
      timings: { ...timings, askMs: 5 },
    });
  });

  it('finds no node under the name of a member that every object has', () => {
    expect(nodeNamed(defaultCluster(), 'constructor')).to.equal(undefined);
    expect(nodeNamed(defaultCluster(), 'P1')?.port).to.equal(7201);
  });

  it('lets port 0 stand for any free port, as often as wanted', () => {
    const cluster = changed((each) => {
      for (const node of Object.values<{ port: number }>(each['nodes'] ?? {})) node.port = 0;
    });
    expect(parseCluster(cluster, 'c.json').nodes['P2']?.port).to.equal(0);
  });

  const FAULTS: readonly (readonly [string, unknown, string])[] = [
    [
      'a list instead of an object',
      [],
      'c.json: the whole is []; allowed: an object with the keys nodes, groups, opening, protocol, timings, limits, tls, faults.',
    ],
    [
      'no nodes',
      set('nodes', undefined),
      'c.json: nodes is missing; allowed: an object from node name to {role, host, port}.',
    ],
    [
      'a misspelt key at the top',
      set('timing', {}),
      'c.json: timing is not a known key; allowed: nodes, groups, opening, protocol, timings, limits, tls, faults. Did you mean "timings"?',
    ],
    [
      'a misspelt key of a node',
      set('nodes.P1.prot', 1),
      'c.json: nodes.P1.prot is not a known key; allowed: role, host, port. Did you mean "port"?',
    ],
    ['a misspelt timing', set('timings.voteTimeoutMS', 1), 'Did you mean "voteTimeoutMs"?'],
    [
      'a role nobody plays',
      set('nodes.P1.role', 'boss'),
      'c.json: nodes.P1.role is "boss"; allowed: one of server, coordinator, participant.',
    ],
    [
      'a port as text',
      set('nodes.P1.port', '7201'),
      'c.json: nodes.P1.port is "7201"; allowed: a whole number from 0 to 65535.',
    ],
    [
      'a port with a fraction',
      set('nodes.P1.port', 7201.5),
      'c.json: nodes.P1.port is 7201.5; allowed: a whole number from 0 to 65535.',
    ],
    [
      'a host with a blank',
      set('nodes.P1.host', 'a b'),
      'c.json: nodes.P1.host is "a b"; allowed: a host name or an IP address.',
    ],
    ['a name that would leave its directory', set('nodes.bad name/x', { role: 'server', port: 1 }), 'is not a name'],
    [
      'names that differ by case',
      set('nodes.p1', { role: 'participant', port: 1 }),
      'c.json: nodes.p1 differs from nodes.P1 only by case; use names that differ.',
    ],
    [
      'no coordinator',
      set('nodes.coordinator', undefined),
      'c.json: nodes: exactly one node has the role coordinator; none has it.',
    ],
    [
      'two coordinators',
      set('nodes.P1.role', 'coordinator'),
      'c.json: nodes: exactly one node has the role coordinator; coordinator, P1 have it.',
    ],
    [
      'an address twice',
      set('nodes.P2.port', 7201),
      'c.json: nodes.P2.port: 127.0.0.1:7201 is the address of nodes.P1 already.',
    ],
    [
      'an address twice under another name',
      set('nodes.P2', { role: 'participant', host: 'localhost', port: 7201 }),
      'nodes.P2.port',
    ],
    [
      'a group without members',
      set('groups.bank.members', []),
      'c.json: groups.bank.members is []; allowed: a list of at least one participant.',
    ],
    [
      'a limit beyond its bounds',
      set('limits', { fieldsMax: 15 }),
      'c.json: limits.fieldsMax is 15; allowed: a whole number from 16 to 10000.',
    ],
    [
      'a limit that is none',
      set('limits', { fieldMax: 20 }),
      'c.json: limits.fieldMax is not a known key; allowed: methodBytesMax,',
    ],
    ['no groups', set('groups', {}), 'c.json: groups names no group; at least one is needed.'],
    [
      'a member that does not exist',
      set('groups.bank.members', ['P1', 'P11']),
      'c.json: groups.bank.members.1: "P11" is not a participant; allowed: P1, P2, P3. Did you mean "P1"?',
    ],
    [
      'a member that is no participant',
      set('groups.bank.members', ['server']),
      'c.json: groups.bank.members.0: "server" is not a participant',
    ],
    ['a member twice', set('groups.bank.members', ['P1', 'P1']), 'c.json: groups.bank.members.1: P1 is named twice.'],
    [
      'a resource nobody has',
      set('groups.bank.resource', 'ledgers'),
      'c.json: groups.bank.resource is "ledgers"; allowed: one of ledger, history, notebook.',
    ],
    [
      'a group called default',
      set('groups.default', { resource: 'ledger', members: ['P1'] }),
      'groups.default cannot be a group',
    ],
    [
      'an opening in a group without ledger',
      set('opening.chat', []),
      'c.json: opening.chat is not a group with a ledger; allowed: bank.',
    ],
    [
      'an opening out of order',
      set('opening.bank.0.account', 2),
      'c.json: opening.bank.0.account is 2; accounts are numbered 1, 2, 3… in order.',
    ],
    [
      'an opening that the other half of the bank has',
      changed((cluster: Record<string, unknown>) => {
        const ledger = (member: string) => ({ resource: 'ledger', members: [member] });
        cluster['groups'] = { user1: ledger('P1'), user2: ledger('P2') };
        cluster['opening'] = { user2: [{ account: 3, balance: 1 }] };
        cluster['protocol'] = { default: '2pc' };
      }),
      'c.json: opening.user2.0.account is 3; accounts are numbered 1, 2, 3… in order, or 2, 4, 6… for a bank of 2 groups.',
    ],
    [
      'an opening below nothing',
      set('opening.bank.0.balance', -1),
      'c.json: opening.bank.0.balance is -1; allowed: a whole number from 0 to 9007199254740991.',
    ],
    [
      'an unknown member of an opening',
      set('opening.bank.0.amount', 1),
      'opening.bank.0.amount is not a known key; allowed: account, balance.',
    ],
    [
      'a protocol nobody knows',
      set('protocol.chat', '4pc'),
      'c.json: protocol.chat is "4pc"; allowed: one of 2pc, 3pc, parallel, 3pc-textbook.',
    ],
    [
      'a protocol of no group',
      set('protocol.caht', '2pc'),
      'c.json: protocol.caht is neither default nor a group; allowed: default, bank, chat, notes. Did you mean "chat"?',
    ],
    [
      'a timing of nothing',
      set('timings.askMs', 0),
      'c.json: timings.askMs is 0; allowed: a whole number of milliseconds from 1 to 2147483647.',
    ],
    ['a timing no timer takes', set('timings.askMs', 2 ** 31), 'c.json: timings.askMs is 2147483648; allowed'],
    [
      'a lease that outlives the wait for it',
      set('timings.leaseWaitMs', 1000),
      'c.json: timings.leaseWaitMs is 1000; it must be longer than timings.leaseMs, 1000',
    ],
    [
      'a link that dies between two beats',
      set('timings.deadMs', 999),
      'c.json: timings.deadMs is 999; it must be at least twice timings.heartbeatMs, 500',
    ],
    [
      'a fault rule of the server',
      set('faults', [{ node: 'server', do: 'crash' }]),
      'c.json: faults.0.node: "server" is no coordinator or participant; allowed: coordinator, P1, P2, P3.',
    ],
    [
      'a fault rule of no known kind',
      set('faults', [{ node: 'P1', do: 'roll-back-in-ready' }]),
      'c.json: faults.0: do is "roll-back-in-ready"; allowed: crash, vote-no, silence, slow, unreachable.',
    ],
    [
      'a fault rule that would end every start',
      set('faults', [{ node: 'P1', do: 'crash', at: 'now' }]),
      'c.json: faults.0.at: now is a command, and no rule for a start.',
    ],
  ];
  for (const [title, cluster, says] of FAULTS) {
    it(`refuses ${title} and names the key`, () => {
      expect(faultOf(cluster)).to.include(says);
    });
  }

  it('says line and column where it stops being JSON', async () => {
    await withTemporaryDirectory((directory) => {
      const path = join(directory, 'c.json');
      writeFileSync(path, '{\n  "nodes": {,}\n}');
      expect(() => parseClusterFile(path)).to.throw(ParleyError, `${path}: it is not JSON at line 2, column 13.`);
      return Promise.resolve();
    });
  });

  it('counts the other faults of a shape with more than one', () => {
    expect(faultOf({ nodes: {}, groups: 1, protocol: 2 })).to.match(/ \(1 more\.\)$/);
  });
});
