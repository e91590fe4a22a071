/**
 * The coordinator is killed at every step of a commit. By 3PC the survivors
 * decide without it; by 2PC those in doubt wait for it, unless one of them
 * knows or may still abort. Either way it agrees when it returns, and the
 * client that asks again with the same id gets one answer.
 */
import { expect } from 'chai';
import { arm, crashed, inTwoLanes, restartToDie, settle, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView } from '../support/invariants.ts';
import {
  announced,
  ANNOUNCED,
  decidedBy,
  expectAllOrNothing,
  PARTICIPANTS,
  pay,
  standing,
} from './announced-payment.ts';
import type { ProtocolName } from '../../src/protocol/messages.ts';
import type { TestCluster } from '../support/cluster.ts';

interface Death {
  /** Behind `coordinator.`. */
  readonly point: string;
  /** Who has voted and so can be asked for the id; the others were never told it. */
  readonly survivors: readonly string[];
  /** What the survivors decide while it is dead; `wait`: nothing. */
  readonly decide: 'committed' | 'aborted' | 'either' | 'wait';
  /** What it finds when it returns, where they waited. */
  readonly later?: 'committed' | 'aborted';
}

// prettier-ignore
const DEATHS_3PC: readonly Death[] = [
  // Before votes.
  { point: 'prepare.before-send', survivors: [], decide: 'wait', later: 'aborted' },
  { point: 'prepare.before-send#2', survivors: ['P1'], decide: 'aborted' },
  { point: 'prepare.sent#3', survivors: PARTICIPANTS, decide: 'aborted' },
  // After votes, before any pre-commit left.
  { point: 'precommitted.before-force', survivors: PARTICIPANTS, decide: 'aborted' },
  { point: 'precommitted.forced', survivors: PARTICIPANTS, decide: 'aborted' },
  { point: 'precommit.before-send', survivors: PARTICIPANTS, decide: 'aborted' },
  // After some pre-commits: one that comes after the promise of a higher round is refused, so both outcomes are right.
  { point: 'precommit.sent', survivors: PARTICIPANTS, decide: 'either' },
  { point: 'precommit.sent#2', survivors: PARTICIPANTS, decide: 'either' },
  { point: 'precommit.sent#3', survivors: PARTICIPANTS, decide: 'either' },
  // After the acknowledgements of a quorum, and after some commits.
  { point: 'commit.before-send', survivors: PARTICIPANTS, decide: 'committed' },
  { point: 'commit.sent', survivors: PARTICIPANTS, decide: 'committed' },
  { point: 'commit.sent#3', survivors: PARTICIPANTS, decide: 'committed' },
];

// prettier-ignore
const DEATHS_2PC: readonly Death[] = [
  { point: 'prepare.before-send', survivors: [], decide: 'wait', later: 'aborted' },
  { point: 'prepare.before-send#2', survivors: ['P1'], decide: 'aborted' },
  { point: 'commit.before-force', survivors: PARTICIPANTS, decide: 'wait', later: 'aborted' },
  { point: 'commit.forced', survivors: PARTICIPANTS, decide: 'wait', later: 'committed' },
  { point: 'commit.before-send', survivors: PARTICIPANTS, decide: 'wait', later: 'committed' },
  // One knows: the others ask it.
  { point: 'commit.sent', survivors: PARTICIPANTS, decide: 'committed' },
  { point: 'commit.sent#3', survivors: PARTICIPANTS, decide: 'committed' },
];

/** Longer than the survivors need to ask each other, and to elect and propose, at the timings of the tests. */
const WATCH_MS = 800;

describe('the death of a coordinator', function () {
  this.timeout(300_000);

  it('S0-14: by 3PC leaves survivors who decide without it, at every step the same outcome at all', async () => {
    await inTwoLanes(DEATHS_3PC, (deaths) => dieAtEach(deaths, '3pc'));
  });

  it('S0-14: by 2PC, in contrast, leaves those in doubt waiting until it returns, at the latest', async () => {
    await inTwoLanes(DEATHS_2PC, (deaths) => dieAtEach(deaths, '2pc'));
  });

  it('changes nothing of its decision when it comes again and again while it recovers', async () => {
    await withCluster(ANNOUNCED, async (cluster) => {
      await arm(cluster, 'coordinator', 'coordinator.commit.forced');
      const pending = pay(cluster, 'AGAIN', '2pc');
      await crashed(cluster, 'coordinator');
      await pending;
      for (const point of ['welcome.before-send', 'commit.before-send', 'commit.sent#2']) {
        await restartToDie(cluster, 'coordinator', `coordinator.${point}`);
      }
      await cluster.nodes.restart('coordinator');
      expect(await settle(cluster, announced('AGAIN', '2pc'))).to.include({ outcome: 'committed' });
      await expectAllOrNothing(cluster, ['AGAIN']);
    });
  });
});

/** One cluster, one death after the other; each start of the coordinator has the next point armed. */
async function dieAtEach(deaths: readonly (readonly [number, Death])[], protocol: ProtocolName): Promise<void> {
  await withCluster(ANNOUNCED, async (cluster) => {
    const committed: string[] = [];
    for (const [index, death] of deaths) {
      const id = `${protocol}-${index}`;
      try {
        await arm(cluster, 'coordinator', `coordinator.${death.point}`);
        await allInView(cluster);
        const pending = pay(cluster, id, protocol);
        await crashed(cluster, 'coordinator');
        expect(await pending, 'the answer of a dead coordinator').to.equal(undefined);
        const outcome = await whileDead(cluster, death, id);
        await cluster.nodes.restart('coordinator');
        if ((await agreement(cluster, id, protocol, outcome)) === 'committed') committed.push(id);
        await expectAllOrNothing(cluster, committed);
      } catch (error) {
        if (error instanceof Error) error.message = `(killed at ${death.point}, ${id}) ${error.message}`;
        throw error;
      }
    }
  });
}

interface Decided {
  readonly outcome: string;
  readonly number: unknown;
}

/** What the survivors do alone; undefined when they wait, which is watched for a while. */
async function whileDead(
  cluster: TestCluster,
  { survivors, decide, later }: Death,
  id: string,
): Promise<Decided | undefined> {
  const [first] = survivors;
  if (first === undefined) return undefined;
  if (decide !== 'wait') {
    const outcome = await decidedBy(cluster, survivors, id);
    expect(outcome, 'what the survivors decide').to.be.oneOf(decide === 'either' ? ['committed', 'aborted'] : [decide]);
    return { outcome, number: (await standing(cluster, first, id))['number'] };
  }
  await eventually('all survivors are in doubt', async () => {
    const states = await Promise.all(survivors.map((name) => standing(cluster, name, id)));
    return states.every(({ state }) => state === 'prepared');
  });
  const end = performance.now() + WATCH_MS;
  while (performance.now() < end) {
    for (const name of survivors) {
      expect((await standing(cluster, name, id))['state'], `state at ${name} without the coordinator`).to.equal(
        'prepared',
      );
    }
  }
  const { number } = await standing(cluster, first, id);
  return { outcome: later ?? 'wait', number };
}

/** The answer of the coordinator that came back: what the survivors decided, or a fresh attempt after their abort. */
async function agreement(
  cluster: TestCluster,
  id: string,
  protocol: ProtocolName,
  decided: Decided | undefined,
): Promise<unknown> {
  const answer = await settle(cluster, announced(id, protocol));
  if (decided !== undefined && answer['outcome'] !== decided.outcome) {
    expect(decided.outcome, 'an outcome that may be tried again').to.equal('aborted');
    expect(answer['number'], 'the number of the new attempt').to.not.equal(decided.number);
  }
  expect(await settle(cluster, announced(id, protocol)), 'the same id again').to.deep.equal(answer);
  return answer['outcome'];
}
