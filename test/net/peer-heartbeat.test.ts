/** Heartbeats: what a link tells of them, by a peer made of bytes and clocks that stand still. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { HeartbeatBook } from '../../src/net/peer-heartbeat.ts';
import { eventually } from '../support/eventually.ts';
import { frame, hello, QUICK, QUIET, rawPeer, startNode } from './peer-node.ts';

const at = (ms: number): { ms: number; wallMs: number } => ({ ms, wallMs: 1_700_000_000_000 + ms });

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ParleyError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** The bodies of the heartbeats in what a peer heard, shared frames included. */
function heartbeatsIn(heard: string): Record<string, unknown>[] {
  return heard
    .split(/\r\n|\n/)
    .filter((line) => line.startsWith('{') && line.includes('"sequence"'))
    .map((line) => JSON.parse(line.slice(0, line.lastIndexOf('}') + 1)) as Record<string, unknown>);
}

describe('a book of heartbeats', () => {
  const own = { durableSeq: 7, kind: 'own', echoes: true } as const;

  it('counts from 1 and echoes the newest heard', () => {
    const book = new HeartbeatBook();
    expect(book.next({ at: at(0), ...own })).to.deep.equal({ type: 'heartbeat', sequence: 1, echo: 0, durableSeq: 7 });
    expect(book.receive({ type: 'heartbeat', sequence: 4, echo: 0, durableSeq: 90 })).to.equal('answer');
    expect(book.peerDurableSeq).to.equal(90);
    expect(book.next({ at: at(1), ...own, kind: 'answer' })).to.deep.equal({
      type: 'heartbeat',
      sequence: 2,
      echo: 4,
      durableSeq: 7,
      answer: true,
    });
  });

  it('never wants an answer to an answer', () => {
    const book = new HeartbeatBook();
    expect(book.receive({ type: 'heartbeat', sequence: 1, echo: 0, durableSeq: 0, answer: true })).to.equal(
      'no-answer',
    );
  });

  it('knows when the heartbeat was sent that was echoed last, and takes no step back for an older echo', () => {
    const book = new HeartbeatBook();
    for (const ms of [100, 200, 300]) book.next({ at: at(ms), ...own });
    expect(book.answeredSentAt).to.equal(undefined);
    book.receive({ type: 'heartbeat', sequence: 1, echo: 2, durableSeq: 0 });
    expect(book.answeredSentAt).to.deep.equal(at(200));
    book.receive({ type: 'heartbeat', sequence: 2, echo: 1, durableSeq: 0 });
    expect(book.answeredSentAt).to.deep.equal(at(200));
    book.receive({ type: 'heartbeat', sequence: 3, echo: 0, durableSeq: 0 });
    expect(book.answeredSentAt).to.deep.equal(at(200));
    book.receive({ type: 'heartbeat', sequence: 4, echo: 3, durableSeq: 0 });
    expect(book.answeredSentAt).to.deep.equal(at(300));
  });

  it('echoes nothing when told so, which renews no lease', () => {
    const book = new HeartbeatBook();
    book.receive({ type: 'heartbeat', sequence: 1, echo: 0, durableSeq: 0 });
    expect(book.next({ at: at(0), ...own, echoes: false }).echo).to.equal(0);
    expect(book.next({ at: at(0), ...own }).echo).to.equal(1);
  });

  it('refuses what no honest peer sends', () => {
    const good = { type: 'heartbeat', sequence: 5, echo: 0, durableSeq: 0 };
    for (const change of [{ sequence: -1 }, { sequence: 1.5 }, { echo: 'x' }, { durableSeq: undefined }, { echo: 1 }]) {
      expect(codeOf(() => new HeartbeatBook().receive({ ...good, ...change }))).to.equal('bad-request');
    }
    const book = new HeartbeatBook();
    book.receive(good);
    expect(codeOf(() => book.receive(good))).to.equal('bad-request');
    expect(codeOf(() => book.receive({ ...good, sequence: 4 }))).to.equal('bad-request');
  });
});

describe('heartbeats on a link', () => {
  it('are answered at once, and tell both sides of a lease their moments', async () => {
    let nowMs = 1000;
    const node = await startNode('C', { timings: QUIET, now: () => nowMs, wallNow: () => 5_000_000 + nowMs });
    const peer = await rawPeer(node.port, hello());
    try {
      await eventually('its first heartbeat is heard', () => heartbeatsIn(peer.heard()).length === 1);
      expect(heartbeatsIn(peer.heard())[0]).to.deep.include({ sequence: 1, echo: 0, durableSeq: 0 });
      expect(node.links.heartbeatOf('P1')).to.equal(undefined);
      nowMs = 1300;
      peer.socket.write(frame({ type: 'heartbeat', sequence: 1, echo: 1, durableSeq: 42 }));
      await eventually('the answer is heard', () => heartbeatsIn(peer.heard()).length === 2);
      expect(heartbeatsIn(peer.heard())[1]).to.deep.include({ sequence: 2, echo: 1, answer: true });
      const moments = { lastAnswerAtMs: 1300, lastAnswerAtWallMs: 5_001_300 };
      expect(node.links.heartbeatOf('P1')).to.deep.equal({
        peerDurableSeq: 42,
        answeredSentAtMs: 1000,
        answeredSentAtWallMs: 5_001_000,
        ...moments,
      });
      nowMs = 1400;
      peer.socket.write(frame({ type: 'heartbeat', sequence: 2, echo: 2, durableSeq: 43, answer: true }));
      await eventually('the answer to the answer was taken', () => node.links.heartbeatOf('P1')?.peerDurableSeq === 43);
      expect(heartbeatsIn(peer.heard())).to.have.length(2);
      expect(node.links.heartbeatOf('P1')).to.include({ answeredSentAtMs: 1300, ...moments });
      expect(node.messages).to.deep.equal([]);
      peer.socket.end();
      await eventually('the link is lost', () => !node.links.isUp('P1'));
      expect(node.links.heartbeatOf('P1')).to.deep.equal({
        peerDurableSeq: 43,
        answeredSentAtMs: undefined,
        answeredSentAtWallMs: undefined,
        ...moments,
      });
    } finally {
      peer.socket.destroy();
      await node.stop();
    }
  });

  it('go both ways and renew themselves, while a side that may not echo renews nothing', async () => {
    let echoes = true;
    let durableSeq = 10;
    const c = await startNode('C', { echoes: () => echoes });
    const p = await startNode('P1', { durableSeq: () => durableSeq });
    try {
      p.links.setPeers([{ name: 'C', address: c.address, dial: true }]);
      const answered = (): number => p.links.heartbeatOf('C')?.answeredSentAtMs ?? 0;
      const first = await eventually('a first answer', () => answered() || undefined);
      durableSeq = 11;
      await eventually('later ones', () => answered() > first + 3 * QUICK.heartbeatMs);
      await eventually('the newer position', () => c.links.heartbeatOf('P1')?.peerDurableSeq === 11);
      echoes = false;
      const lastAnswer = c.links.heartbeatOf('P1')?.lastAnswerAtMs ?? 0;
      const sent = c.links.peers()[0]?.sentFrames ?? 0;
      await eventually('C beats on', () => (c.links.peers()[0]?.sentFrames ?? 0) > sent + 8);
      expect(c.links.heartbeatOf('P1')?.lastAnswerAtMs).to.equal(lastAnswer);
      expect(answered()).to.be.at.most(lastAnswer);
      expect(p.links.isUp('C')).to.equal(true);
    } finally {
      await Promise.all([c.stop(), p.stop()]);
    }
  });

  it('that make no sense lose the link', async () => {
    const node = await startNode('C', { timings: QUIET });
    const peer = await rawPeer(node.port, hello() + frame({ type: 'heartbeat', sequence: 1, echo: 9, durableSeq: 0 }));
    try {
      await eventually('it is lost', () => peer.closed());
      expect(node.events[1]).to.match(/^down P1: bad-request: .*echo 9/);
    } finally {
      peer.socket.destroy();
      await node.stop();
    }
  });
});
