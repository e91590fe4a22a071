/** Links between nodes over real sockets on loopback: how they come, carry, go, and come back. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { eventually } from '../support/eventually.ts';
import { CREDENTIALS, frame, hello, QUICK, QUIET, rawPeer, startNode, startProxy } from './peer-node.ts';
import type { Proxy, RawPeer, TestNode } from './peer-node.ts';

describe('the links between nodes', () => {
  const started: { stop(): Promise<void> }[] = [];
  const raws: RawPeer[] = [];

  async function node(...args: Parameters<typeof startNode>): Promise<TestNode> {
    const made = await startNode(...args);
    started.push(made);
    return made;
  }
  async function proxy(target: number): Promise<Proxy> {
    const made = await startProxy(target);
    started.push(made);
    return made;
  }
  async function raw(port: number, first: string): Promise<RawPeer> {
    const made = await rawPeer(port, first);
    raws.push(made);
    return made;
  }
  /** The links carry any message with a type; what else is in it is the protocol's. */
  const message = (value: { type: string; [member: string]: unknown }): { type: string } => value;
  /** P1 dials C; returns when both know. */
  async function linked(...[options]: [Parameters<typeof startNode>[1]?]): Promise<{ c: TestNode; p: TestNode }> {
    const c = await node('C', options);
    const p = await node('P1', options);
    c.links.setPeers([{ name: 'P1', address: p.address, dial: false }]);
    p.links.setPeers([{ name: 'C', address: c.address, dial: true }]);
    await eventually('both sides are up', () => c.links.isUp('P1') && p.links.isUp('C'));
    return { c, p };
  }
  const count = (events: readonly string[], start: string): number =>
    events.filter((event) => event.startsWith(start)).length;

  afterEach(async () => {
    for (const { socket } of raws.splice(0)) socket.destroy();
    await Promise.all(started.splice(0).map((one) => one.stop()));
  });

  it('carry messages both ways, in order', async () => {
    const { c, p } = await linked();
    const sent = Array.from({ length: 50 }, (_, n) => ({ type: 'inquire', number: `abc1.1.${n}` }));
    for (const [n, message] of sent.entries()) {
      expect(p.links.send('C', message)).to.equal(true);
      c.links.send('P1', message);
      if (n % 7 === 0) await new Promise(setImmediate);
    }
    await eventually('all messages are there', () => c.messages.length >= 50 && p.messages.length >= 50);
    expect(c.messages).to.deep.equal(sent);
    expect(p.messages).to.deep.equal(sent);
    expect(c.events).to.deep.equal(['up P1']);
    expect(p.links.peers()).to.have.length(1);
    expect(p.links.peers()[0]).to.include({ name: 'C', address: c.address, up: true, sentMessages: 50, epoch: 3 });
    expect(p.links.peers()[0]).to.include({ receivedMessages: 50, incarnation: 'abc1' });
  });

  it('put what is sent in one turn into few frames, of at most 1000 messages', async () => {
    const { c, p } = await linked({ timings: QUIET });
    await eventually(
      'the first heartbeats are through',
      () => c.links.heartbeatOf('P1')?.answeredSentAtMs !== undefined,
    );
    const before = p.links.peers()[0]?.sentFrames ?? 0;
    for (let n = 0; n < 2500; n++) p.links.send('C', message({ type: 'inquire', number: `abc1.1.${n}` }));
    await eventually('all messages are there', () => c.messages.length === 2500);
    expect((p.links.peers()[0]?.sentFrames ?? 0) - before).to.equal(3);
    expect(c.messages.at(-1)).to.deep.equal({ type: 'inquire', number: 'abc1.1.2499' });
  });

  it('let what nobody waits for go with the next message, or alone a little later, and keep the order', async () => {
    const { c, p } = await linked({ timings: QUIET, mayWait: (type) => type === 'commit' });
    const frames = (): number => c.links.peers()[0]?.sentFrames ?? 0;
    const sent: object[] = [];
    const send = (type: string): void => {
      const one = { type, number: `abc1.1.${sent.length}` };
      sent.push(one);
      c.links.send('P1', one);
    };
    /** One that waits at the end of a turn; on a machine that stood still meanwhile its time may be over by then. */
    const waits = async (): Promise<boolean> => {
      const before = frames();
      send('commit');
      await new Promise(setImmediate);
      return frames() === before;
    };
    let waiting = false;
    for (let tries = 0; tries < 500 && !waiting; tries += 1) {
      waiting = await waits();
      if (!waiting) await eventually('it has left', () => p.messages.length === sent.length);
    }
    expect(waiting, 'once in 500 times it waits').to.equal(true);
    send('prepare');
    await eventually('both are there', () => p.messages.length === sent.length);
    send('commit');
    await eventually('one alone leaves too', () => p.messages.length === sent.length);
    expect(p.messages).to.deep.equal(sent);
    send('commit');
    c.links.drop('P1', 'a test');
    await eventually('what waited when the link was ended has left', () => p.messages.length === sent.length);
  });

  it('keep shared frames below 256 KiB and let one large message travel alone', async () => {
    const { c, p } = await linked({ timings: QUIET });
    await eventually(
      'the first heartbeats are through',
      () => c.links.heartbeatOf('P1')?.answeredSentAtMs !== undefined,
    );
    const before = p.links.peers()[0]?.sentFrames ?? 0;
    const sizes = [100, 100, 100, 700, 100, 100];
    for (const [n, kib] of sizes.entries())
      p.links.send('C', message({ type: 'test', n, text: 'x'.repeat(kib * 1024) }));
    await eventually('all messages are there', () => c.messages.length === sizes.length);
    expect(c.messages.map((message) => (message as { n: number }).n)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect((p.links.peers()[0]?.sentFrames ?? 0) - before).to.be.within(4, 5);
  });

  it('say no to a message for a peer that is away', async () => {
    const p = await node('P1');
    p.links.setPeers([{ name: 'C', address: '127.0.0.1:1', dial: true }]);
    expect(p.links.send('C', { type: 'inquire' })).to.equal(false);
    expect(p.links.send('nobody', { type: 'inquire' })).to.equal(false);
    expect(p.links.heartbeatOf('C')).to.equal(undefined);
    expect(p.links.peers()[0]).to.include({ name: 'C', up: false, since: undefined });
  });

  it('come back when the peer goes away and returns', async () => {
    const { c, p } = await linked();
    await c.stop();
    await eventually('P1 has seen it go', () => !p.links.isUp('C'));
    expect(p.events).to.deep.equal(['up C', 'down C: closed by the peer']);
    const again = await node('C', { port: c.port });
    await eventually('P1 is back', () => again.links.isUp('P1') && p.links.isUp('C'));
    p.links.send('C', message({ type: 'inquire', number: 'abc1.1.1' }));
    await eventually('the message is there', () => again.messages.length === 1);
    expect(p.notices.filter(({ event }) => event === 'dial-failed').length).to.be.at.most(2);
  });

  it('are replaced by a newer one without a word, and only its loss counts', async () => {
    const c = await node('C', { timings: QUIET });
    const older = await raw(c.port, hello());
    await eventually('the first link stands', () => c.events.length === 1);
    const newer = await raw(c.port, hello());
    await eventually('the older is closed', () => older.closed());
    expect(c.events).to.deep.equal(['up P1', 'up P1']);
    c.links.send('P1', { type: 'inquire' });
    await eventually('the newer one carries', () => newer.heard().includes('inquire'));
    newer.socket.end();
    await eventually('its loss is told', () => c.events.length === 3);
    expect(c.events[2]).to.equal('down P1: closed by the peer');
  });

  it('are not replaced by a dial of the same start that comes too late', async () => {
    const c = await node('C', { timings: QUIET });
    const current = await raw(c.port, hello({ 'Parley-Dial': '7' }));
    await eventually('the link stands', () => c.links.isUp('P1'));
    const late = await raw(c.port, hello({ 'Parley-Dial': '6' }));
    await eventually('the late one is refused', () => late.closed());
    expect(late.heard()).to.match(/^HTTP\/1\.1 409 /);
    expect(current.closed()).to.equal(false);
    const restarted = await raw(c.port, hello({ 'Parley-Dial': '1', 'Parley-Epoch': '2' }));
    await eventually('a new start is taken', () => current.closed());
    expect(restarted.heard()).to.match(/^HTTP\/1\.1 101 /);
  });

  it('are found dead when nothing comes any more, on both sides, and come back', async () => {
    const c = await node('C');
    const between = await proxy(c.port);
    const p = await node('P1');
    p.links.setPeers([{ name: 'C', address: between.address, dial: true }]);
    await eventually('both sides are up', () => c.links.isUp('P1') && p.links.isUp('C'));
    between.freeze();
    await eventually('both have seen it', () => count(c.events, 'down') === 1 && count(p.events, 'down') === 1);
    expect(c.events[1]).to.match(/^down P1: silent for \d+ ms$/);
    expect(p.events[1]).to.match(/^down C: silent for \d+ ms$/);
    between.thaw();
    await eventually('they are back', () => count(c.events, 'up') >= 2 && p.links.isUp('C'));
  });

  it('live on any byte, even when the peer never sends a whole frame', async () => {
    const c = await node('C');
    const peer = await raw(c.port, hello());
    await eventually('the link stands', () => c.links.isUp('P1'));
    const message = frame({ type: 'inquire', text: 'x'.repeat(10) });
    // One byte per heartbeat: the frame takes several times longer than deadMs.
    for (const byte of message.slice(0, 30)) {
      peer.socket.write(byte);
      await new Promise((resolve) => setTimeout(resolve, QUICK.heartbeatMs));
    }
    expect(c.events).to.deep.equal(['up P1']);
    peer.socket.write(message.slice(30));
    await eventually('the frame is whole', () => c.messages.length === 1);
  });

  it('survive a pause of our own that is longer than deadMs', async () => {
    let jumpMs = 0;
    const { c, p } = await linked({ now: () => performance.now() + jumpMs });
    jumpMs += 10 * QUICK.deadMs;
    const sent = p.links.peers()[0]?.sentFrames ?? 0;
    await eventually('heartbeats went on', () => (p.links.peers()[0]?.sentFrames ?? 0) > sent + 5);
    expect(c.events).to.deep.equal(['up P1']);
    expect(p.events).to.deep.equal(['up C']);
  });

  it('are not called dead before what waits in the sockets is read', async () => {
    const [heartbeatMs, deadMs] = [100, 200];
    let jumpMs = 0;
    const now = (): number => performance.now() + jumpMs;
    const c = await node('C', { timings: { ...QUICK, heartbeatMs, deadMs }, now });
    const peer = await raw(c.port, hello());
    await eventually('the link stands', () => c.links.isUp('P1'));
    await new Promise(setImmediate);
    // The byte is in the system's hands before the pause ends; timers come before sockets when it does.
    peer.socket.write('P');
    jumpMs += 10 * deadMs;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * heartbeatMs);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(c.events).to.deep.equal(['up P1']);
    await eventually('true silence is still found', () => c.events.length === 2);
  });

  it('are dropped by a frame that is none, and the cause is told', async () => {
    const c = await node('C', { timings: QUIET });
    for (const bytes of [
      'nonsense\r\n\r\n',
      'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
      '\0\0\0\0\r\n\r\n',
    ]) {
      const before = c.events.length;
      const peer = await raw(c.port, hello() + bytes);
      await eventually('the link is closed', () => peer.closed());
      expect(c.events.slice(before)).to.have.length(2);
      expect(c.events[before + 1]).to.match(/^down P1: bad-frame: /);
    }
    expect(c.messages).to.deep.equal([]);
  });

  it('are dropped by a message that the owner refuses, and nothing behind it is read', async () => {
    const taken: unknown[] = [];
    const onMessage = (_from: string, message: unknown): void => {
      taken.push(message);
      throw new ParleyError('bad-request', 'no such message');
    };
    const c = await node('C', { timings: QUIET, onMessage });
    const peer = await raw(c.port, hello() + frame({ type: 'one' }) + frame({ type: 'two' }));
    await eventually('the link is closed', () => peer.closed());
    expect(taken).to.deep.equal([{ type: 'one' }]);
    expect(c.events[1]).to.equal('down P1: bad-request: no such message');
  });

  it('give up a peer that takes nothing once 64 MiB wait for it', async () => {
    const c = await node('C', { timings: QUIET });
    const peer = await raw(c.port, hello());
    await eventually('the link stands', () => c.links.isUp('P1'));
    peer.socket.pause();
    const text = 'x'.repeat(4 * 1024 * 1024);
    for (let n = 0; n < 40 && c.links.send('P1', message({ type: 'test', text })); n++) await new Promise(setImmediate);
    await eventually('the link is dropped', () => !c.links.isUp('P1'));
    expect(c.events[1]).to.match(/^down P1: \d+ bytes wait unread$/);
  });

  it('are dropped by the owner after what is queued, and dialed again', async () => {
    const { c, p } = await linked();
    c.links.send('P1', message({ type: 'welcome', refusal: 'log-behind' }));
    c.links.drop('P1', 'refused at register');
    expect(c.links.isUp('P1')).to.equal(false);
    expect(c.events).to.deep.equal(['up P1', 'down P1: refused at register']);
    await eventually('P1 dialed again', () => count(c.events, 'up') === 2 && count(p.events, 'up') === 2);
    expect(p.messages).to.deep.equal([{ type: 'welcome', refusal: 'log-behind' }]);
    expect(p.events[1]).to.equal('down C: closed by the peer');
  });

  it('follow a changed address and end for a peer no longer named', async () => {
    const { c, p } = await linked();
    const moved = await node('C');
    p.links.setPeers([{ name: 'C', address: c.address, dial: true }]);
    expect(p.events).to.deep.equal(['up C']);
    p.links.setPeers([{ name: 'C', address: moved.address, dial: true }]);
    await eventually(
      'P1 is at the new address',
      () => p.links.isUp('C') && moved.links.isUp('P1') && !c.links.isUp('P1'),
    );
    p.links.setPeers([]);
    expect(p.events.slice(-1)).to.deep.equal(['down C: no longer a peer']);
    expect(p.links.peers()).to.deep.equal([]);
    await eventually('the other side has seen it', () => !moved.links.isUp('P1'));
    expect(moved.links.peers()).to.deep.equal([]);
  });

  it('settle on one when both sides dial', async () => {
    const c = await node('C');
    const p = await node('P1');
    c.links.setPeers([{ name: 'P1', address: p.address, dial: true }]);
    p.links.setPeers([{ name: 'C', address: c.address, dial: true }]);
    let n = 0;
    await eventually('a message passes both ways', () => {
      n += 1;
      c.links.send('P1', message({ type: 'test', n }));
      p.links.send('C', message({ type: 'test', n }));
      return c.messages.length > 3 && p.messages.length > 3;
    });
  });

  it('are never made with oneself', async () => {
    const p = await node('P1');
    p.links.setPeers([{ name: 'P1', address: p.address, dial: true }]);
    expect(p.links.peers()).to.deep.equal([]);
    const mirror = await raw(p.port, hello());
    await eventually('it is refused', () => mirror.closed());
    expect(mirror.heard()).to.match(/^HTTP\/1\.1 409 /);
  });

  it('leave no socket and no timer behind when closed, and call no onDown', async () => {
    const handles = (): string =>
      process
        .getActiveResourcesInfo()
        .filter((name) => /TCP|Timeout|Immediate/.test(name))
        .sort()
        .join(' ');
    // Mocha starts its own timer once the test has given way, and only then the looks can be compared.
    await new Promise(setImmediate);
    // Both looks are made from within `eventually`, whose own timer is among the handles.
    const before = await eventually('a first look', handles);
    const { c, p } = await linked();
    const away = await node('P2');
    away.links.setPeers([
      { name: 'C', address: c.address, dial: true },
      { name: 'gone', address: '127.0.0.1:1', dial: true },
    ]);
    await eventually('P2 is up', () => c.links.isUp('P2'));
    c.links.send('P1', { type: 'last' });
    await c.stop();
    await eventually('the last message is there', () => p.messages.length === 1);
    await Promise.all([p.stop(), away.stop()]);
    started.splice(0);
    expect(c.events.filter((event) => event.startsWith('down'))).to.deep.equal([]);
    expect(p.messages).to.deep.equal([{ type: 'last' }]);
    await eventually('nothing is left', () => handles() === before);
    expect(c.links.send('P1', { type: 'late' })).to.equal(false);
  });

  describe('are refused', () => {
    it('without credentials by 401, and with wrong ones by 403, before anything else is said', async () => {
      const c = await node('C');
      const without = await raw(c.port, hello({ 'Authorization': undefined, 'Parley-Node': 'C' }));
      const wrong = await raw(c.port, hello({ Authorization: `${CREDENTIALS.header}x`, Upgrade: 'websocket' }));
      await eventually('both are refused', () => without.closed() && wrong.closed());
      expect(without.heard())
        .to.match(/^HTTP\/1\.1 401 .*\r\n/)
        .and.to.match(/\r\nWWW-Authenticate: Parley\r\n/i);
      expect(without.heard()).to.contain('"code":"unauthorized"');
      expect(wrong.heard()).to.match(/^HTTP\/1\.1 403 /);
      expect(without.heard() + wrong.heard()).not.to.contain(CREDENTIALS.key);
      expect(c.events).to.deep.equal([]);
    });

    it('by 400 when the handshake is not whole', async () => {
      const c = await node('C');
      const bad = [
        hello({ 'Parley-Node': undefined }),
        hello({ 'Parley-Node': 'P1 P2' }),
        hello({ 'Parley-Node': '../P1' }),
        hello({ 'Parley-Incarnation': undefined }),
        hello({ 'Parley-Epoch': '-1' }),
        hello({ Upgrade: 'websocket' }),
        hello({ Connection: 'keep-alive' }),
        hello({}, 'PUT /peer HTTP/1.1'),
      ];
      for (const bytes of bad) {
        const peer = await raw(c.port, bytes);
        await eventually('it is refused', () => peer.closed());
        expect(peer.heard(), bytes).to.match(/^HTTP\/1\.1 400 /);
      }
      expect(c.events).to.deep.equal([]);
    });

    it('by 409 when another node was meant, and the links there are stay', async () => {
      const p3 = await node('P3', { timings: QUIET });
      const good = await raw(p3.port, hello());
      await eventually('P1 is linked', () => p3.links.isUp('P1'));
      const p1 = await node('P1');
      p1.links.setPeers([{ name: 'P2', address: p3.address, dial: true }]);
      await eventually('it has tried again', () => p3.connections() >= 4);
      expect(p1.notices).to.deep.equal([
        { event: 'dial-failed', fields: { peer: 'P2', address: p3.address, why: 'refused with 409 wrong-peer' } },
      ]);
      expect(good.closed()).to.equal(false);
      expect(p3.events).to.deep.equal(['up P1']);
    });

    it('by a dialer that is answered under another name', async () => {
      const p3 = await node('P3');
      // A proxy that rewrites whom the dialer means stands in for a node that does not check it.
      const p1 = await node('P1', { self: 'P1' });
      const { createServer, connect } = await import('node:net');
      const liar = createServer((near) => {
        const far = connect({ host: '127.0.0.1', port: p3.port });
        near.on('data', (chunk) =>
          far.write(chunk.toString('latin1').replace('Parley-Peer: P2', 'Parley-Peer: P3'), 'latin1'),
        );
        far.pipe(near);
        near.on('error', () => far.destroy()).on('close', () => far.destroy());
        far.on('error', () => near.destroy());
      });
      const { listen } = await import('./peer-node.ts');
      const port = await listen(liar, 0);
      started.push({ stop: () => new Promise((resolve) => liar.close(() => resolve())) });
      p1.links.setPeers([{ name: 'P2', address: `127.0.0.1:${port}`, dial: true }]);
      await eventually('it is noted', () => p1.notices.length === 1);
      expect(p1.notices[0]?.fields['why']).to.equal('reached P3 instead');
      expect(p1.events).to.deep.equal([]);
    });

    it('with one note for each cause, however often the dialer comes back', async () => {
      const c = await node('C', { authorize: () => false });
      const p = await node('P1');
      p.links.setPeers([{ name: 'C', address: c.address, dial: true }]);
      await eventually('it has come back', () => c.connections() >= 4);
      expect(c.notices).to.have.length(1);
      expect(c.notices[0]?.event).to.equal('handshake-refused');
      expect(c.notices[0]?.fields).to.include({ from: 'P1', status: 403 });
      expect(p.notices).to.have.length(1);
      expect(p.notices[0]?.fields).to.include({ peer: 'C', why: 'refused with 403 forbidden' });
    });

    it('not for another path: that is left to the server', async () => {
      const c = await node('C');
      const other = await raw(c.port, hello({}, 'GET /other HTTP/1.1'));
      await eventually('the server closed it', () => other.closed());
      expect(other.heard()).to.equal('');
    });
  });
});
