/** What a dialer makes of what it reaches: strangers, silence, bytes in pieces. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { mock } from 'node:test';
import { PeerDialer, redialWaitMsMax } from '../../src/net/peer-dialer.ts';
import { parseAddress, WelcomeReader } from '../../src/net/peer-handshake.ts';
import { eventually } from '../support/eventually.ts';
import { frame, hello, listen, QUICK, QUIET, rawPeer, startNode } from './peer-node.ts';

const WELCOME =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: parley\r\n' +
  'Parley-Node: C\r\nParley-Incarnation: raw2\r\nParley-Epoch: 4\r\n\r\n';

/** A server that does with each connection what the test says; ends with all its sockets. */
async function stranger(onSocket: (socket: Socket) => void): Promise<{ address: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  const port = await listen(server, 0);
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

/** Why dials to a stranger fail, by the first note. */
async function firstFailure(onSocket: (socket: Socket) => void, connectMs: number): Promise<unknown> {
  const there = await stranger(onSocket);
  const node = await startNode('P1', { timings: { ...QUICK, connectMs } });
  try {
    node.links.setPeers([{ name: 'C', address: there.address, dial: true }]);
    const note = await eventually('a failure is noted', () => node.notices[0]);
    expect(note.event).to.equal('dial-failed');
    expect(node.events).to.deep.equal([]);
    return note.fields['why'];
  } finally {
    await node.stop();
    await there.stop();
  }
}

describe('a dialer', () => {
  it('says why there is no link, whatever it reaches', async () => {
    const reply = (bytes: string) => (socket: Socket) => void socket.once('data', () => socket.write(bytes));
    expect(await firstFailure((socket) => void socket.end(), 5000)).to.equal('closed during the handshake');
    expect(await firstFailure(() => undefined, 50)).to.equal('no answer within 50 ms');
    expect(await firstFailure(reply('SSH-2.0-OpenSSH\r\n'), 5000)).to.match(/^no HTTP answer: /);
    expect(await firstFailure(reply('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'), 5000)).to.equal(
      'refused with 404',
    );
    const nobody = WELCOME.replace('Parley-Incarnation', 'Other');
    expect(await firstFailure(reply(nobody), 5000)).to.equal('it is no Parley node');
    expect(await firstFailure(reply(WELCOME.replace(': C', ': P7')), 5000)).to.equal('reached P7 instead');
  });

  it('says that nobody listens, once, and goes on until somebody does', async () => {
    const gone = await stranger(() => undefined);
    await gone.stop();
    const node = await startNode('P1');
    try {
      node.links.setPeers([{ name: 'C', address: gone.address, dial: true }]);
      await eventually('it is noted', () => node.notices.length === 1);
      const c = await startNode('C', { port: Number(gone.address.split(':')[1]) });
      try {
        await eventually('it is up', () => node.links.isUp('C'));
        expect(node.notices).to.have.length(1);
        expect(node.notices[0]?.fields['why']).to.equal('ECONNREFUSED');
      } finally {
        await c.stop();
      }
    } finally {
      await node.stop();
    }
  });

  it('does not dial what is no address, and says so', async () => {
    const node = await startNode('P1');
    try {
      node.links.setPeers([{ name: 'C', address: 'nowhere\r\n', dial: true }]);
      expect(node.notices.map(({ fields }) => fields['why'])).to.deep.equal(['it is no host:port']);
    } finally {
      await node.stop();
    }
  });

  it('takes the welcome in any pieces, and the first messages right behind it', async () => {
    const there = await stranger((socket) => {
      const bytes = WELCOME + frame({ type: 'inquire', number: 'abc1.1.1' });
      socket.setNoDelay(true).once('data', () => {
        const writeFrom = (at: number): void => {
          if (at >= bytes.length || socket.destroyed) return;
          socket.write(bytes.slice(at, at + 7));
          setImmediate(() => writeFrom(at + 7));
        };
        writeFrom(0);
      });
    });
    const node = await startNode('P1', { timings: QUIET });
    try {
      node.links.setPeers([{ name: 'C', address: there.address, dial: true }]);
      await eventually('the message is there', () => node.messages.length === 1);
      expect(node.events).to.deep.equal(['up C']);
      expect(node.links.peers()[0]).to.include({ incarnation: 'raw2', epoch: 4 });
    } finally {
      await node.stop();
      await there.stop();
    }
  });

  it('waits at most 50 ms, 100 ms and so on up to the maximum', () => {
    const waits = [0, 1, 2, 3, 4, 5, 100].map((failures) => redialWaitMsMax(failures, 1000));
    expect(waits).to.deep.equal([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it('waits longer with every failure in a row, by chance, and briefly again after a link that lived', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      let tries = 0;
      const dialer = new PeerDialer({
        // No address, so that a try is over at once and without a socket.
        address: 'nowhere',
        connectMs: 1,
        redialMsMax: 150,
        random: () => 0.5,
        hello: () => Buffer.alloc(0),
        welcomeReader: () => new WelcomeReader('C'),
        onSocket: () => undefined,
        onLink: () => undefined,
        onFailure: () => (tries += 1),
      });
      const waits = [25, 50, 75, 75].map((waitMs) => {
        dialer.redial();
        mock.timers.tick(waitMs - 1);
        const early = tries;
        mock.timers.tick(1);
        return [early, tries];
      });
      expect(waits).to.deep.equal([
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ]);
      dialer.forgetFailures();
      dialer.redial();
      mock.timers.tick(25);
      expect(tries).to.equal(5);
      dialer.redial();
      dialer.stop();
      mock.timers.tick(1000);
      expect(tries).to.equal(5);
    } finally {
      mock.timers.reset();
    }
  });

  it('knows an address when it sees one', () => {
    expect(parseAddress('127.0.0.1:7100')).to.deep.equal({ host: '127.0.0.1', port: 7100 });
    expect(parseAddress('[::1]:65535')).to.deep.equal({ host: '::1', port: 65_535 });
    expect(parseAddress('node-1.example_x:1')).to.deep.equal({ host: 'node-1.example_x', port: 1 });
    for (const text of ['', ':1', 'a', 'a:', 'a:0', 'a:65536', 'a:1x', '::1:1', 'a b:1', 'a\n:1', 'a:1\n', '[a:1']) {
      expect(parseAddress(text), JSON.stringify(text)).to.equal(undefined);
    }
  });
});

describe('an acceptor', () => {
  it('takes messages that come in one segment with the handshake, and answers in order', async () => {
    const c = await startNode('C', { timings: QUIET });
    const peer = await rawPeer(c.port, hello() + frame({ type: 'one' }) + frame({ type: 'two' }));
    try {
      await eventually('both are there', () => c.messages.length === 2);
      expect(c.messages).to.deep.equal([{ type: 'one' }, { type: 'two' }]);
      await eventually('its heartbeat is behind the 101', () => peer.heard().includes('heartbeat'));
      expect(peer.heard().startsWith('HTTP/1.1 101 Switching Protocols\r\n')).to.equal(true);
      expect(peer.heard()).to.match(/\r\nParley-Node: C\r\n/);
      // Frames as the wire says them: HTTP, with what every message carries.
      expect(peer.heard()).to.match(/\r\n\r\nPOST \/heartbeat HTTP\/1\.1\r\nHost: P1\r\n/);
    } finally {
      peer.socket.destroy();
      await c.stop();
    }
  });

  it('remembers 256 guests, and forgets the one that is away first', async () => {
    const c = await startNode('C', { timings: QUIET });
    const peers: Awaited<ReturnType<typeof rawPeer>>[] = [];
    try {
      const guest = async (n: number) => {
        const peer = await rawPeer(c.port, hello({ 'Parley-Node': `G${n}` }));
        peers.push(peer);
        await eventually('it is answered', () => peer.heard() !== '');
        return peer;
      };
      for (let n = 0; n < 256; n++) await guest(n);
      const refused = await guest(256);
      expect(refused.heard()).to.match(/^HTTP\/1\.1 503 /);
      peers[3]?.socket.destroy();
      await eventually('one is away', () => !c.links.isUp('G3'));
      const taken = await guest(257);
      expect(taken.heard()).to.match(/^HTTP\/1\.1 101 /);
      expect(c.links.peers()).to.have.length(256);
    } finally {
      for (const { socket } of peers) socket.destroy();
      await c.stop();
    }
  });
});
