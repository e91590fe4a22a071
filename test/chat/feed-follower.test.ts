import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { FeedFollower } from '../../src/chat/feed-follower.ts';
import { RoomCache } from '../../src/chat/room-cache.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { FeedMember, FeedPosition } from '../../src/chat/feed-follower.ts';
import type { HistoryLine } from '../../src/resources/history.ts';
import { eventually } from '../support/eventually.ts';
import { lineNumber, linesFrom } from './room-lines.ts';

/** A replica with its own positions: the one list up to some line, and followers who hear what it adds. */
class Replica implements FeedMember {
  readonly address = 'nowhere:0';
  readonly name: string;
  readonly lines: HistoryLine[] = [];
  incarnation = 'one';
  /** Positions at or below it are gone. */
  floor = 0;
  snapshots = 0;
  follows: FeedPosition[] = [];
  beats = true;
  isUp = true;
  readonly #offset: number;
  #hear: ((line: string) => void) | undefined;
  #hangUp: ((error?: Error) => void) | undefined;

  /** @param offset positions differ from sequences, as they do where other groups commit too */
  constructor(name: string, offset: number) {
    this.name = name;
    this.#offset = offset;
  }

  get position(): number {
    return this.lines.length + this.#offset;
  }

  get isFollowed(): boolean {
    return this.#hear !== undefined;
  }

  add(...lines: readonly HistoryLine[]): void {
    for (const line of lines) {
      this.lines.push(line);
      this.say(this.#changeAt(this.lines.length - 1));
    }
  }

  say(value: unknown): void {
    this.#hear?.(typeof value === 'string' ? value : JSON.stringify(value));
  }

  hangUp(error?: Error): void {
    this.#hangUp?.(error);
  }

  snapshot(): FeedPosition & { lines: readonly Json[] } {
    this.snapshots += 1;
    if (!this.isUp) throw new ParleyError('unreachable', 'No connection.');
    const lines = this.lines.map((line) => ({ room: 'lobby', ...line }));
    return { position: this.position, incarnation: this.incarnation, lines };
  }

  async follow(since: FeedPosition, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    this.follows.push(since);
    if (!this.isUp) throw new ParleyError('unreachable', 'No connection.');
    if (since.incarnation !== this.incarnation || since.position < this.floor)
      throw new ParleyError('position-gone', 'Gone.');
    this.#hear = onLine;
    for (let index = since.position - this.#offset; index < this.lines.length; index += 1)
      this.say(this.#changeAt(index));
    const beating = setInterval(() => this.beats && this.say({ beat: this.position }), 5);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#hangUp = (error) => (error === undefined ? resolve() : reject(error));
        signal.addEventListener('abort', () => resolve());
        if (signal.aborted) resolve();
      });
    } finally {
      clearInterval(beating);
      this.#hear = undefined;
    }
  }

  #changeAt(index: number): unknown {
    const data = { appends: [{ room: 'lobby', lines: [this.lines[index]] }] };
    return { position: index + 1 + this.#offset, group: 'chat', number: `n.1.${index}`, id: `T${index}`, data };
  }
}

/** A follower of two replicas, and what its readers heard. */
class Scene {
  readonly a = new Replica('A', 100);
  readonly b = new Replica('B', 7);
  members: readonly Replica[] = [this.a, this.b];
  readonly cache = new RoomCache();
  readonly heard: number[] = [];
  readonly told: string[] = [];
  readonly follower: FeedFollower;

  constructor() {
    this.cache.listen('lobby', (lines) => this.heard.push(...lines.map(({ seq }) => seq)));
    const of = (name: string): Replica => (name === 'A' ? this.a : this.b);
    this.follower = new FeedFollower(this.cache, {
      members: () => this.members,
      // async, so that what a replica throws rejects
      snapshot: async ({ name }) => Promise.resolve(of(name).snapshot()),
      follow: ({ name }, since, onLine, signal) => of(name).follow(since, onLine, signal),
      log: (level, event) => this.told.push(`${level} ${event}`),
      // The first of the choice, and no waiting.
      random: () => 0,
      silenceMs: 60,
    });
  }

  /** Both replicas have the lines from … to. */
  both(from: number, to: number): void {
    for (const replica of [this.a, this.b]) replica.add(...linesFrom(from, to));
  }

  async live(on: Replica): Promise<void> {
    await eventually(`live on ${on.name}`, () => this.follower.isLive && on.isFollowed);
  }

  async heardUpTo(seq: number): Promise<void> {
    await eventually(`line ${seq} is heard`, () => this.heard.length >= seq);
    expect(this.heard).to.deep.equal(linesFrom(1, seq).map((line) => line.seq));
  }
}

async function withScene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene();
  try {
    await run(scene);
  } finally {
    await scene.follower.stop();
  }
  expect(scene.a.isFollowed || scene.b.isFollowed).to.equal(false);
  expect(scene.follower.isLive).to.equal(false);
}

describe('the follower of a feed', () => {
  it('takes a snapshot, then every change as it comes', () =>
    withScene(async (scene) => {
      scene.both(1, 3);
      expect(scene.follower.hasHistory).to.equal(false);
      scene.follower.start();
      await scene.live(scene.a);
      await scene.heardUpTo(3);
      scene.both(4, 6);
      await scene.heardUpTo(6);
      expect([scene.a.snapshots, scene.b.snapshots]).to.deep.equal([1, 0]);
      expect(scene.follower.state).to.deep.include({ member: 'A', live: true });
    }));

  it('moves to another replica when the one it follows falls silent, with no line lost and none twice', () =>
    withScene(async (scene) => {
      scene.both(1, 3);
      scene.follower.start();
      await scene.live(scene.a);
      // B is ahead of what A told, then A tells nothing any more.
      scene.a.beats = false;
      scene.b.add(...linesFrom(4, 5));
      await scene.live(scene.b);
      await scene.heardUpTo(5);
      expect(scene.told).to.include('warn feed-left');
      expect(scene.follower.state.moves).to.equal(1);
    }));

  it('moves when the connection breaks, to a replica that is behind, and waits for the line it lacks', () =>
    withScene(async (scene) => {
      scene.both(1, 3);
      scene.a.add(lineNumber(4));
      scene.follower.start();
      await scene.live(scene.a);
      await scene.heardUpTo(4);
      scene.a.isUp = false;
      scene.a.hangUp(new ParleyError('connection-lost', 'It broke.'));
      await scene.live(scene.b);
      scene.b.add(...linesFrom(4, 6));
      await scene.heardUpTo(6);
    }));

  it('takes up a replica it knows where it left it, without a second snapshot', () =>
    withScene(async (scene) => {
      scene.both(1, 3);
      scene.follower.start();
      await scene.live(scene.a);
      scene.a.hangUp();
      await scene.live(scene.b);
      scene.both(4, 5);
      scene.b.hangUp();
      await scene.live(scene.a);
      scene.both(6, 6);
      await scene.heardUpTo(6);
      expect([scene.a.snapshots, scene.b.snapshots]).to.deep.equal([1, 1]);
      expect(scene.a.follows.at(-1)?.position).to.equal(103);
    }));

  for (const [title, change] of [
    ['its position is kept no longer', (replica: Replica) => (replica.floor = 104)],
    ['the replica came back with another log', (replica: Replica) => (replica.incarnation = 'two')],
  ] as const) {
    it(`takes a new snapshot when ${title}`, () =>
      withScene(async (scene) => {
        scene.members = [scene.a];
        scene.both(1, 3);
        scene.follower.start();
        await scene.live(scene.a);
        change(scene.a);
        scene.a.lines.push(...linesFrom(4, 5));
        scene.a.hangUp();
        await eventually('a second snapshot', () => scene.a.snapshots === 2);
        await scene.live(scene.a);
        await scene.heardUpTo(5);
      }));
  }

  it('leaves a replica that tells lines behind a gap, and gets the missing ones by a snapshot', () =>
    withScene(async (scene) => {
      scene.members = [scene.a];
      scene.both(1, 2);
      scene.follower.start();
      await scene.live(scene.a);
      scene.a.lines.push(lineNumber(3));
      scene.a.add(lineNumber(4));
      await scene.heardUpTo(4);
      expect(scene.a.snapshots).to.equal(2);
    }));

  it('raises an alarm about a replica whose lines differ, takes nothing of it, and follows the other', () =>
    withScene(async (scene) => {
      scene.both(1, 2);
      scene.b.lines[1] = { ...lineNumber(2), text: 'another' };
      scene.follower.start();
      await scene.live(scene.a);
      scene.b.add(lineNumber(3));
      scene.a.hangUp();
      await eventually('the alarm', () => scene.told.includes('error replica-mismatch'));
      await scene.live(scene.a);
      expect(scene.cache.last('lobby')).to.equal(2);
    }));

  for (const said of [
    'no json',
    '[]',
    '{"position":5}',
    '{"position":5,"data":{"appends":[{"room":"lobby","lines":[{"seq":0}]}]}}',
  ]) {
    it(`leaves a replica that says ${said}`, () =>
      withScene(async (scene) => {
        scene.follower.start();
        await scene.live(scene.a);
        scene.a.say(said);
        await scene.live(scene.b);
      }));
  }

  it('leaves a replica that is taken out of the view, however well it beats', () =>
    withScene(async (scene) => {
      scene.follower.start();
      await scene.live(scene.a);
      scene.members = [scene.b];
      await scene.live(scene.b);
    }));

  it('goes on trying when nobody is there, tells of each once, and begins when somebody comes', () =>
    withScene(async (scene) => {
      scene.a.isUp = scene.b.isUp = false;
      scene.both(1, 2);
      scene.follower.start();
      await eventually('both were tried twice', () => scene.a.snapshots >= 2 && scene.b.snapshots >= 2);
      expect(scene.told).to.deep.equal(['info feed-left', 'info feed-left']);
      expect(scene.follower.isLive).to.equal(false);
      scene.b.isUp = true;
      await scene.live(scene.b);
      await scene.heardUpTo(2);
    }));
});
