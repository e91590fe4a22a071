/** The lab's proxy: bytes arrive as they were sent, unless the lab says otherwise, and then exactly that happens. */
import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { openLabNetwork } from '../../src/lab/proxy.ts';
import type { LabNetwork } from '../../src/lab/proxy.ts';
import { eventually } from '../support/eventually.ts';

/** A node that only listens: what it read, per connection, and how each ended. */
class StubNode {
  readonly sockets: Socket[] = [];
  readonly read: Buffer[] = [];
  readonly ends: string[] = [];
  readonly server: Server;

  constructor() {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      const index = this.sockets.push(socket) - 1;
      this.read[index] = Buffer.alloc(0);
      socket.on('data', (bytes: Buffer) => (this.read[index] = Buffer.concat([this.read[index] ?? bytes, bytes])));
      socket.on('end', () => (this.ends[index] = 'fin'));
      socket.on('error', (error: NodeJS.ErrnoException) => (this.ends[index] = error.code ?? ''));
    });
  }

  text(index = 0): string {
    return this.read[index]?.toString('latin1') ?? '';
  }
}

interface Caller {
  readonly socket: Socket;
  readonly text: () => string;
  readonly bytes: () => Buffer;
  readonly end: () => string;
}

/** Dials a node through its proxy. */
async function call(network: LabNetwork, name: string): Promise<Caller> {
  const [host = '', port = ''] = (network.advertise[name] ?? '').split(':');
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  let read = Buffer.alloc(0);
  let end = '';
  socket.on('data', (bytes: Buffer) => (read = Buffer.concat([read, bytes])));
  socket.on('end', () => (end = 'fin'));
  socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code ?? ''));
  await once(socket, 'connect');
  return { socket, text: () => read.toString('latin1'), bytes: () => read, end: () => end };
}

/** A network with nodes A and B behind their proxies. */
async function withNodes(run: (network: LabNetwork, a: StubNode, b: StubNode) => Promise<void>): Promise<void> {
  const nodes = { A: new StubNode(), B: new StubNode() };
  const placeOf = (name: string) => {
    const { server } = name === 'A' ? nodes.A : nodes.B;
    return server.listening ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port } : undefined;
  };
  const network = await openLabNetwork(['A', 'B'], { random: () => 0.5, placeOf });
  try {
    for (const { server } of Object.values(nodes)) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    await run(network, nodes.A, nodes.B);
  } finally {
    for (const { server, sockets } of Object.values(nodes)) {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
    await network.close();
  }
}

/** A peer link from one node to another, its handshake done; what was sent and read of it is left out. */
async function link(network: LabNetwork, from: string, to: string, node: StubNode) {
  const caller = await call(network, to);
  const hello = `GET /peer HTTP/1.1\r\nHost: x\r\nParley-Node: ${from}\r\nUpgrade: parley\r\n\r\n`;
  caller.socket.write(hello);
  const index = node.sockets.length;
  await eventually('the node has the hello', () => node.text(index) === hello);
  const welcome = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: parley\r\n\r\n';
  node.sockets[index]?.write(welcome);
  await eventually('the caller has the welcome', () => caller.text() === welcome);
  return {
    caller,
    index,
    atNode: () => node.text(index).slice(hello.length),
    atCaller: () => caller.text().slice(welcome.length),
  };
}

/** A frame as a daemon writes it, by hand. */
function frame(path: string, body: string, type = 'application/json'): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: B\r\nUser-Agent: parley/0.1\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nDate: Sat, 31 Jan 2026 09:00:00 GMT\r\n\r\n${body}`
  );
}

const bodiesOf = (text: string): string[] => text.split(/POST .*\r\n(?:.+\r\n)*\r\n/).filter((body) => body !== '');

describe('the proxy of the lab', () => {
  it('passes every byte both ways, whatever they are, and the end of each side', async () => {
    await withNodes(async (network, a) => {
      const caller = await call(network, 'A');
      const [there, back] = [randomBytes(3_000_000), randomBytes(2_000_000)];
      caller.socket.end(there);
      await eventually('all is there', () => a.read[0]?.length === there.length && a.ends[0] === 'fin');
      expect(a.read[0]?.equals(there)).to.equal(true);
      a.sockets[0]?.end(back);
      await eventually('all is back', () => caller.bytes().length === back.length && caller.end() === 'fin');
      expect(caller.bytes().equals(back)).to.equal(true);
    });
  });

  it('passes them in slices, slowly and late, and they are the same', async () => {
    await withNodes(async (network, a) => {
      network.shapeBoth({ from: 'client', to: 'A' }, { sliceBytes: 7, latencyMs: 20, jitterMs: 10 });
      network.shape({ from: 'A', to: 'client' }, { bytesPerSecond: 100_000 });
      const caller = await call(network, 'A');
      const pieces: number[] = [];
      const fromMs = performance.now();
      caller.socket.write('x'.repeat(100));
      await eventually('the node has it', () => a.text() === 'x'.repeat(100));
      expect(performance.now() - fromMs, 'time on the way').to.be.at.least(20);
      a.sockets[0]?.on('data', (bytes: Buffer) => pieces.push(bytes.length));
      caller.socket.write('0123456789'.repeat(3));
      await eventually('the rest', () => a.text() === 'x'.repeat(100) + '0123456789'.repeat(3));
      expect(pieces.length, 'arrivals of 30 bytes in slices of 7').to.be.at.least(2);
      a.sockets[0]?.write('y'.repeat(5_000));
      const backMs = performance.now();
      await eventually('the answer', () => caller.text() === 'y'.repeat(5_000));
      expect(performance.now() - backMs, '5,000 bytes at 100,000 a second').to.be.at.least(25);
    });
  });

  it('stalls one direction and lets go of it, end and all, when it is healed', async () => {
    await withNodes(async (network, a) => {
      const caller = await call(network, 'A');
      caller.socket.write('1');
      await eventually('it is connected', () => a.text() === '1');
      network.shape({ from: 'client', to: 'A' }, { stall: true });
      caller.socket.end('2');
      a.sockets[0]?.write('back');
      await eventually('the other direction passes', () => caller.text() === 'back');
      expect(a.text()).to.equal('1');
      expect(a.ends[0]).to.equal(undefined);
      network.heal();
      await eventually('all arrived', () => a.text() === '12' && a.ends[0] === 'fin');
    });
  });

  it('parts sides from each other, by the names that nodes say, and no one else', async () => {
    await withNodes(async (network, a, b) => {
      const [ab, client] = [await link(network, 'A', 'B', b), await call(network, 'B')];
      network.partition(['A'], ['B', 'P']);
      const stalled = frame('/inquire', '{"number":"n.1"}');
      ab.caller.socket.write(stalled);
      client.socket.write('client');
      await eventually('clients reach B', () => b.text(1) === 'client');
      expect(ab.atNode()).to.equal('');
      // A node that dials now gets no answer, and if it gives up, B never hears of it.
      const late = await call(network, 'B');
      late.socket.end('GET /peer HTTP/1.1\r\nParley-Node: A\r\n\r\n');
      await eventually('it is closed', () => late.end() !== '');
      network.heal();
      await eventually('what was stalled arrives', () => ab.atNode() === stalled);
      expect(b.sockets).to.have.length(2);
      expect(a.sockets).to.have.length(0);
    });
  });

  it('resets and refuses connections', async () => {
    await withNodes(async (network, a, b) => {
      const [one, other] = [await link(network, 'A', 'B', b), await call(network, 'A')];
      other.socket.write('x');
      await eventually('it is connected', () => a.text() === 'x');
      expect(network.cut({ from: 'A', to: 'B' })).to.equal(1);
      await eventually('both ends see a reset', () => one.caller.end() === 'ECONNRESET' && b.ends[0] === 'ECONNRESET');
      network.shape({ from: 'client', to: 'A' }, { refuse: true });
      const refused = await call(network, 'A');
      refused.socket.write('y');
      await eventually('it is reset', () => refused.end() === 'ECONNRESET');
      other.socket.write('still there');
      await eventually('the old one goes on', () => a.text() === 'xstill there');
      network.heal();
      a.server.close();
      const nobody = await call(network, 'A');
      nobody.socket.write('y');
      await eventually('a node that is down resets', () => nobody.end() === 'ECONNRESET');
    });
  });

  it('swallows bytes and ends in silence, half open, and resets when that is over', async () => {
    await withNodes(async (network, a) => {
      const caller = await call(network, 'A');
      caller.socket.write('1');
      await eventually('it is connected', () => a.text() === '1');
      network.shape({ from: 'A', to: 'client' }, { swallow: true });
      a.sockets[0]?.end('nobody hears this');
      caller.socket.write('2');
      await eventually('the other direction passes', () => a.text() === '12');
      expect([caller.text(), caller.end()]).to.deep.equal(['', '']);
      network.heal();
      await eventually('it is reset', () => caller.end() === 'ECONNRESET');
    });
  });

  it('passes frames of a peer link as the bytes they are, wherever they are cut, and what is no frame too', async () => {
    await withNodes(async (network, _a, b) => {
      const { caller, atNode } = await link(network, 'A', 'B', b);
      const bytes = `${frame('/vote', '{"number":"n.1","vote":"yes"}')}${frame('/inquire', '{"number":"n.2"}')}`;
      for (const byte of bytes) caller.socket.write(byte);
      await eventually('both frames', () => atNode() === bytes);
      caller.socket.write('garbage\r\n\r\nand more');
      await eventually('the garbage', () => atNode() === `${bytes}garbage\r\n\r\nand more`);
      const other = await link(network, 'A', 'B', b);
      other.caller.socket.end(bytes.slice(0, -5));
      await eventually('the part of a frame that came, and its end', () => {
        return other.atNode() === bytes.slice(0, -5) && b.ends[other.index] === 'fin';
      });
    });
  });

  it('holds, repeats, drops single messages by type and direction, out of frames with several too', async () => {
    await withNodes(async (network, _a, b) => {
      const { caller, atNode, atCaller, index } = await link(network, 'A', 'B', b);
      const held = network.addRule({ from: 'A', to: 'B', type: 'vote', hit: 2, action: 'hold' });
      const twice = network.addRule({ from: 'A', to: '*', type: 'inquire', action: 'duplicate' });
      const dropped = network.addRule({ from: 'A', to: 'B', type: 'outcome', number: 'n.9', action: 'drop' });
      const lines = [
        '{"type":"vote","number":"n.1"}',
        '{"type":"vote","number":"n.2"}',
        '{"type":"inquire","number":"n.3"}',
        '{"type":"outcome","number":"n.9"}',
        '{"type":"outcome","number":"n.4"}',
      ];
      caller.socket.write(frame('/messages', lines.map((line) => `${line}\n`).join(''), 'application/x-ndjson'));
      await eventually('what passes', () => bodiesOf(atNode()).length === 4);
      const [one, three, four] = ['{"number":"n.1"}', '{"number":"n.3"}', '{"number":"n.4"}'];
      expect(bodiesOf(atNode())).to.deep.equal([one, three, three, four]);
      expect([held.hits, twice.hits, dropped.hits]).to.deep.equal([1, 1, 1]);
      // The other way the rules do not hold.
      b.sockets[index]?.write(frame('/inquire', '{"number":"n.5"}'));
      await eventually('the other way', () => atCaller() === frame('/inquire', '{"number":"n.5"}'));
      const waiting = { from: 'A', to: 'B', message: { type: 'vote', number: 'n.2' } };
      expect(network.held()).to.deep.equal([waiting]);
      expect(network.release(({ message }) => message.type === 'vote')).to.equal(1);
      await eventually('the held vote', () => bodiesOf(atNode()).at(-1) === '{"number":"n.2"}');
      expect(network.held()).to.deep.equal([]);
    });
  });

  it('loses a message by breaking the connection off before it', async () => {
    await withNodes(async (network, _a, b) => {
      const { caller, atNode, index } = await link(network, 'A', 'B', b);
      const rule = network.addRule({ from: 'A', to: 'B', type: 'vote', action: 'break' });
      caller.socket.write(frame('/inquire', '{"number":"n.1"}'));
      await eventually('the first', () => bodiesOf(atNode()).length === 1);
      caller.socket.write(frame('/vote', '{"number":"n.2"}') + frame('/inquire', '{"number":"n.3"}'));
      await eventually('both ends see a reset', () => caller.end() === 'ECONNRESET' && b.ends[index] === 'ECONNRESET');
      expect(bodiesOf(atNode())).to.deep.equal(['{"number":"n.1"}']);
      expect(rule.hits).to.equal(1);
    });
  });
});
