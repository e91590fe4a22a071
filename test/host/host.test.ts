import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { Host } from '../../src/host/host.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { StepBuilder } from '../../src/protocol/node-step.ts';
import type { NodeStep } from '../../src/protocol/node-step.ts';
import { forced, lazy } from '../../src/protocol/records.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { MemoryLog } from '../../src/wal/memory-log.ts';
import { DrivenParticipant } from '../protocol/driven-participant.ts';

const RECORD: ProtocolRecord = { type: 'committed', number: 'c0ffee.1.1' };
const VOTE: Message = { type: 'vote', number: 'c0ffee.1.1', vote: 'yes' };
const ABORT: Message = { type: 'abort', number: 'c0ffee.1.1' };
const COMMIT: Message = { type: 'commit', number: 'c0ffee.1.1' };

/** What an event does, told to a builder; the events of these tests are such tellings. */
type Telling = (out: StepBuilder) => void;

/** A host over a log that is synced by hand; everything that leaves is noted in order. */
class Stage {
  readonly left: string[] = [];
  readonly log: MemoryLog<ProtocolRecord>;
  readonly host: Host<Telling>;
  readonly timers: { delayMs: number; run: () => void; armed: boolean }[] = [];
  /** What work of the resources does, if anything. */
  onWork: () => void = () => undefined;

  constructor(timerEvent: (key: string) => Telling = () => () => undefined) {
    this.log = new MemoryLog<ProtocolRecord>({
      epoch: 1,
      records: [],
      onDurable: (seq) => this.host.durable(seq),
      onFatal: () => this.host.stop(),
      startSync: undefined,
    });
    const step = (telling: Telling): NodeStep => {
      const out = new StepBuilder();
      telling(out);
      return out;
    };
    const note = (text: string): void => void this.left.push(text);
    this.host = new Host<Telling>({ step }, timerEvent, {
      log: this.log,
      clock: { nowMs: () => 0, random: () => 0.5, after: (delayMs, run) => this.arm(delayMs, run) },
      send: (to, message) => note(`${to}: ${message.type}`),
      drop: (peer) => note(`drop ${peer}`),
      work: () => this.onWork(),
      copy: ({ type }) => note(`copy: ${type}`),
      answer: ({ request }) => note(`answer ${request}`),
      notice: ({ event }) => note(`notice ${event}`),
      fatal: (code) => note(`fatal ${code}`),
      crashPoint: (what, where) => note(`(${what}.${where})`),
    });
  }

  /** Without the crash points. */
  get sent(): readonly string[] {
    return this.left.filter((text) => !text.startsWith('('));
  }

  private arm(delayMs: number, run: () => void): () => void {
    const timer = { delayMs, run, armed: true };
    this.timers.push(timer);
    return () => {
      timer.armed = false;
    };
  }
}

describe('The host', () => {
  it('sends what rests on a record only when that record is synced', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('C', VOTE);
    });
    expect(stage.sent).to.deep.equal([]);
    stage.log.sync();
    expect(stage.sent).to.deep.equal(['C: vote']);
  });

  it('holds back a message of a step with no record of its own while an earlier record is on its way', () => {
    const stage = new Stage();
    stage.host.handle((out) => out.records.push(forced(RECORD)));
    stage.host.handle((out) => out.tell('C', VOTE));
    expect(stage.sent).to.deep.equal([]);
    stage.log.sync();
    expect(stage.sent).to.deep.equal(['C: vote']);
    stage.host.handle((out) => out.tell('C', VOTE));
    expect(stage.sent).to.deep.equal(['C: vote', 'C: vote']);
  });

  it('does not send a yes again, to a repeated prepare, while its record is on its way', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    driven.prepares('c0ffee.1.1');
    const stage = new Stage();
    const first = driven.yes('c0ffee.1.1');
    const again = driven.prepares('c0ffee.1.1');
    for (const step of [first, again]) {
      stage.host.handle((out) => {
        out.records.push(...step.records);
        out.send.push(...step.send);
      });
    }
    expect(again.send).to.have.length(1);
    expect(stage.sent).to.deep.equal([]);
    stage.log.sync();
    expect(stage.sent).to.deep.equal(['C: vote', 'C: vote']);
  });

  it('holds back answers, lost links and reads like messages, in the order in which they came', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P1', COMMIT);
      out.answers.push({ request: 'r1', status: 200, body: {} });
      out.drop.push('P2');
    });
    stage.host.whenDurable(() => stage.left.push('read'));
    stage.host.handle((out) => out.tell('P3', COMMIT));
    expect(stage.sent).to.deep.equal([]);
    stage.log.sync();
    expect(stage.sent).to.deep.equal(['P1: commit', 'answer r1', 'drop P2', 'read', 'P3: commit']);
    stage.host.whenDurable(() => stage.left.push('later read'));
    expect(stage.sent.at(-1)).to.equal('later read');
  });

  it('sends at once what promises nothing, but not an abort that a quorum decided nor a one-phase prepare', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P1', ABORT);
      out.tell('P2', { ...ABORT, round: { counter: 2, site: 'P1' } });
      const site = { name: 'C', address: '' };
      const asked = { id: 'TX001', protocol: '2pc', operations: [], participants: [site], coordinator: site } as const;
      const prepare = { type: 'prepare', number: 'c0ffee.1.1', ...asked, voteWithinMs: 10 } as const;
      out.tell('P3', prepare);
      out.tell('P4', { ...prepare, onePhase: true });
    });
    expect(stage.sent).to.deep.equal(['P1: abort', 'P3: prepare']);
    stage.log.sync();
    expect(stage.sent.slice(2)).to.deep.equal(['P2: abort', 'P4: prepare']);
  });

  it('lets nothing overtake a welcome, before which a participant throws everything away', () => {
    const stage = new Stage();
    const site = { name: 'C', address: '' };
    const asked = { id: 'TX001', protocol: '2pc', operations: [], participants: [site], coordinator: site } as const;
    const prepare = { type: 'prepare', number: 'c0ffee.1.1', ...asked, voteWithinMs: 10 } as const;
    const life = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P1', { type: 'welcome', ...life, views: {}, addresses: {} });
      out.tell('P1', prepare);
      out.tell('P2', prepare);
    });
    expect(stage.sent).to.deep.equal(['P2: prepare']);
    stage.log.sync();
    expect(stage.sent.slice(1)).to.deep.equal(['P1: welcome', 'P1: prepare']);
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P1', prepare);
    });
    expect(stage.sent.slice(3)).to.deep.equal(['P1: prepare']);
  });

  it('waits for no lazy record', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(lazy(RECORD));
      out.tell('C', VOTE);
    });
    expect(stage.sent).to.deep.equal(['C: vote']);
    expect(stage.log.durableSeq).to.equal(0);
  });

  it('lets out only what the synced part of the log covers', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P1', COMMIT);
    });
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('P2', COMMIT);
    });
    stage.host.durable(1);
    expect(stage.sent).to.deep.equal(['P1: commit']);
    stage.host.durable(2);
    expect(stage.sent).to.deep.equal(['P1: commit', 'P2: commit']);
  });

  it('lets nothing out after a sync that failed, and takes no more events', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(forced(RECORD));
      out.tell('C', VOTE);
      out.timerOn('ask:1', 10);
    });
    stage.log.failSync();
    stage.host.durable(9);
    stage.host.handle((out) => out.tell('C', ABORT));
    stage.host.whenDurable(() => stage.left.push('read'));
    expect(stage.sent).to.deep.equal([]);
    expect(stage.timers.map(({ armed }) => armed)).to.deep.equal([false]);
  });

  it('steps what comes while it steps after that step, in order', () => {
    const stage = new Stage();
    stage.onWork = () => {
      stage.host.handle((out) => out.tell('second', ABORT));
      stage.host.handle((out) => out.tell('third', ABORT));
    };
    stage.host.handle((out) => {
      out.work.push({ number: 'c0ffee.1.1', id: 'TX001', work: { type: 'abort' } });
      out.tell('first', ABORT);
    });
    expect(stage.sent).to.deep.equal(['first: abort', 'second: abort', 'third: abort']);
  });

  it('steps nothing more once it is stopped, not even what had come before', () => {
    const stage = new Stage();
    stage.onWork = () => {
      stage.host.handle((out) => out.records.push(forced(RECORD)));
      stage.host.stop();
    };
    stage.host.handle((out) => out.work.push({ number: 'c0ffee.1.1', id: 'TX001', work: { type: 'abort' } }));
    expect(stage.log.lastSeq).to.equal(0);
  });

  it('passes the crash points around each force and each send, in order', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.records.push(lazy({ type: 'end', number: 'c0ffee.1.0' }), forced(RECORD));
      out.tell('C', VOTE);
      out.tell('P1', ABORT);
    });
    const early = ['(committed.before-force)', '(abort.before-send)', 'P1: abort', '(abort.sent)'];
    expect(stage.left).to.deep.equal(early);
    stage.log.sync();
    expect(stage.left).to.deep.equal([...early, '(vote.before-send)', 'C: vote', '(vote.sent)']);
  });

  it('arms, replaces and disarms timers by key, adds the random part, and hands back the event of the key', () => {
    const stage = new Stage((key) => (out) => out.notice('info', key, 'A timer.'));
    stage.host.handle((out) => out.timerOn('ask:1', 100, 50));
    stage.host.handle((out) => out.timerOn('ask:1', 300));
    stage.host.handle((out) => out.timerOn('vote:1', 10));
    stage.host.handle((out) => out.timerOff('vote:1'));
    expect(stage.timers.map(({ delayMs, armed }) => [delayMs, armed])).to.deep.equal([
      [125, false],
      [300, true],
      [10, false],
    ]);
    stage.timers[1]?.run();
    expect(stage.sent).to.deep.equal(['notice ask:1']);
  });

  it('does not go on after a step that was not carried out whole', () => {
    const stage = new Stage();
    stage.onWork = () => {
      throw new Error('The resources failed.');
    };
    const failing: Telling = (out) => {
      out.records.push(forced(RECORD));
      out.work.push({ number: 'c0ffee.1.1', id: 'TX001', work: { type: 'abort' } });
      out.tell('C', VOTE);
    };
    expect(() => stage.host.handle(failing)).to.throw('The resources failed.');
    stage.log.sync();
    stage.host.handle((out) => out.tell('C', ABORT));
    expect(stage.sent).to.deep.equal([]);
  });

  it('does not go on after a step that ended half way, and says what of the disk could not be read', () => {
    const stage = new Stage();
    stage.host.handle((out) => {
      out.tell('C', ABORT);
      throw new ParleyError('checkpoint-corrupt', 'There is no such line.');
    });
    stage.host.handle((out) => out.tell('C', ABORT));
    expect(stage.sent).to.deep.equal(['fatal checkpoint-corrupt']);
  });

  it('lets no failure of a step pass for one of the request that brought it', () => {
    for (const fails of [new TypeError('no such member'), new ParleyError('log-full', 'There is no room.')]) {
      const stage = new Stage();
      stage.onWork = () => {
        throw fails;
      };
      const failing: Telling = (out) => out.work.push({ number: 'c0ffee.1.1', id: 'TX001', work: { type: 'abort' } });
      expect(() => stage.host.handle(failing)).to.throw(AssertionFailed, fails.message);
      stage.host.handle((out) => out.tell('C', ABORT));
      expect(stage.sent).to.deep.equal([]);
    }
  });
});
