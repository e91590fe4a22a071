import { expect } from 'chai';
import type { Message } from '../../src/protocol/messages.ts';
import { Network } from '../../src/sim/network.ts';
import { SeededRandom } from '../../src/sim/seeded-random.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';

const numbered = (sequence: number): Message => ({ type: 'inquire', number: `c0ffee.1.${sequence}` });

/** Two nodes that are linked, and what each heard. */
function linked(seed = 1) {
  const clock = new VirtualClock();
  const network = new Network(clock, new SeededRandom(seed));
  const heard: string[] = [];
  const join = (name: string): void =>
    network.join(name, {
      message: (from, message) => heard.push(`${name} ${from} ${'number' in message ? message.number : ''}`),
      up: (peer) => heard.push(`${name} up ${peer}`),
      down: (peer) => heard.push(`${name} down ${peer}`),
    });
  join('A');
  join('B');
  clock.runUntil(100);
  heard.length = 0;
  return { clock, network, heard, join };
}

describe('The simulated network', () => {
  it('keeps the order of a link, and loses nothing while it stands', () => {
    const { clock, network, heard } = linked();
    const sequences = Array.from({ length: 50 }, (_, index) => index + 1);
    for (const sequence of sequences) network.send('A', 'B', numbered(sequence));
    clock.runUntil(200);
    expect(heard).to.deep.equal(sequences.map((sequence) => `B A c0ffee.1.${sequence}`));
  });

  it('loses what was under way when the link breaks, tells both, and makes it again when it heals', () => {
    const { clock, network, heard } = linked();
    network.send('A', 'B', numbered(1));
    const heal = network.part('A', 'B', 0);
    network.send('A', 'B', numbered(2));
    clock.runUntil(300);
    expect(heard).to.have.members(['A down B', 'B down A']);
    expect(network.isUp('A', 'B')).to.equal(false);
    heal();
    clock.runUntil(400);
    expect(heard.slice(2)).to.have.members(['A up B', 'B up A']);
  });

  it('tells no loss of a link that a newer one replaced before it was noticed', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { clock, network, heard } = linked(seed);
      network.part('A', 'B', 100_000)();
      clock.runUntil(200_000);
      expect(heard.filter((line) => line.includes('down')).length, `seed ${seed}`).to.be.lessThan(2);
      expect(heard).to.include.members(['A up B', 'B up A']);
    }
  });

  it('holds one direction up without touching the other', () => {
    const { clock, network, heard } = linked();
    network.stall('A', 'B', 500);
    network.send('A', 'B', numbered(1));
    network.send('B', 'A', numbered(2));
    clock.runUntil(300);
    expect(heard).to.deep.equal(['A B c0ffee.1.2']);
    clock.runUntil(700);
    expect(heard.at(-1)).to.equal('B A c0ffee.1.1');
  });

  it('repeats messages about numbers when asked to, and never others', () => {
    const { clock, network, heard } = linked();
    network.repeatChance = 1;
    network.send('A', 'B', numbered(1));
    network.send('A', 'B', { type: 'low-water', number: 'c0ffee.1.9' });
    clock.runUntil(1_000);
    expect(heard.filter((line) => line.endsWith('.1'))).to.have.length(2);
    expect(heard.filter((line) => line.endsWith('.9'))).to.have.length(1);
  });

  it('drops a link by will, and makes it again by itself', () => {
    const { clock, network, heard } = linked();
    network.drop('A', 'B');
    clock.runUntil(300);
    expect(heard.slice(0, 2)).to.have.members(['A down B', 'B down A']);
    expect(heard.slice(2)).to.have.members(['A up B', 'B up A']);
  });

  it('delivers a beginning of what is under way when the link breaks, and never a message behind a lost one', () => {
    const counts = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const { clock, network, heard } = linked(seed);
      network.delayMsMax = 50;
      for (let sequence = 1; sequence <= 10; sequence += 1) network.send('A', 'B', numbered(sequence));
      network.part('A', 'B', 0);
      clock.runUntil(1_000);
      const arrived = heard.filter((line) => line.startsWith('B A'));
      expect(arrived).to.deep.equal(arrived.map((_, index) => `B A c0ffee.1.${index + 1}`));
      // Whoever hears that the link is gone has heard all of it that ever comes.
      expect(heard.indexOf('B down A')).to.be.at.least(arrived.length);
      counts.add(arrived.length);
    }
    expect([...counts].sort((a, b) => a - b)).to.include.members([0, 3, 7]);
  });

  it('gives nothing of an old link to the next life of a node', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { clock, network, heard, join } = linked(seed);
      network.delayMsMax = 80;
      network.send('A', 'B', numbered(1));
      network.leave('B');
      join('B');
      clock.runUntil(1_000);
      expect(heard, `seed ${seed}`).to.not.include('B A c0ffee.1.1');
    }
  });

  it('heals everything at once: cut links are made again, stalled ones too', () => {
    const { clock, network, heard } = linked();
    network.part('A', 'B', 0);
    network.heal();
    clock.runUntil(300);
    expect(network.isUp('A', 'B')).to.equal(true);
    network.stall('A', 'B', 60_000);
    network.heal();
    clock.runUntil(600);
    network.send('A', 'B', numbered(2));
    clock.runUntil(700);
    expect(heard.at(-1)).to.equal('B A c0ffee.1.2');
  });
});
