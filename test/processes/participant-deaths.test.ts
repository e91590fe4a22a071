/**
 * A participant is killed at every step of a commit, before its vote and after
 * it, before and after each record and each message. The others finish without
 * it where they may, and it comes back to the same outcome, applied once.
 */
import { expect } from 'chai';
import { textAt } from '../../src/console/transaction-text.ts';
import { arm, crashed, inTwoLanes, restartToDie, settle, withCluster } from '../support/cluster.ts';
import { allInView } from '../support/invariants.ts';
import { recordsOf, typesOf } from '../support/node-log.ts';
import { announced, ANNOUNCED, decidedBy, expectAllOrNothing, pay, payNow } from './announced-payment.ts';
import type { ProtocolName } from '../../src/protocol/messages.ts';

interface Death {
  /** Behind `participant.`. */
  readonly point: string;
  /** True when its yes has left: the others commit without it. */
  readonly voted: boolean;
}

const BEFORE: readonly Death[] = ['prepared.before-force', 'prepared.forced', 'vote.before-send'].map((point) => ({
  point,
  voted: false,
}));

const voted = (...points: readonly string[]): readonly Death[] => points.map((point) => ({ point, voted: true }));
const STEPS = ['before-force', 'forced'];
const SENDS = ['before-send', 'sent'];
const AFTER = voted(...STEPS.map((step) => `committed.${step}`), ...SENDS.map((step) => `acknowledge.${step}`));
const PRECOMMIT = voted(...[...STEPS, ...SENDS].map((step) => `precommitted.${step}`));

const DEATHS = {
  '2pc': [...BEFORE, ...voted('vote.sent'), ...AFTER],
  '3pc': [...BEFORE, ...voted('vote.sent'), ...PRECOMMIT, ...AFTER],
} as const;

describe('the death of a participant', function () {
  this.timeout(300_000);

  for (const protocol of ['2pc', '3pc'] as const) {
    const id = protocol === '3pc' ? 'S0-13 S0-15' : 'S2-15';
    it(`${id}: by ${protocol}, at every step, is no death of the transaction, and it comes back to the same outcome`, async () => {
      await inTwoLanes<Death>(DEATHS[protocol], (deaths) => dieAtEach(deaths, protocol));
    });
  }

  it('is survived again while it recovers, at every step of applying what was decided', async () => {
    await withCluster(ANNOUNCED, async (cluster) => {
      await arm(cluster, 'P2', 'participant.vote.sent');
      const answer = await payNow(cluster, 'AGAIN', '3pc');
      await crashed(cluster, 'P2');
      for (const point of ['register.before-send', 'committed.before-force', 'committed.forced']) {
        await restartToDie(cluster, 'P2', `participant.${point}`);
      }
      await cluster.nodes.restart('P2');
      expect(await settle(cluster, announced('AGAIN', '3pc'))).to.deep.equal(answer.body);
      await expectAllOrNothing(cluster, ['AGAIN']);
      const types = typesOf(await recordsOf(cluster, 'P2'), textAt(answer.body, 'number'));
      expect(types.filter((type) => type === 'committed')).to.have.length(1);
    });
  });
});

/** One cluster, one death of P2 after the other. */
async function dieAtEach(deaths: readonly (readonly [number, Death])[], protocol: ProtocolName): Promise<void> {
  await withCluster(ANNOUNCED, async (cluster) => {
    const committed: string[] = [];
    for (const [index, { point, voted }] of deaths) {
      const id = `${protocol}-${index}`;
      try {
        await arm(cluster, 'P2', `participant.${point}`);
        await allInView(cluster);
        const pending = pay(cluster, id, protocol);
        await crashed(cluster, 'P2');
        if (voted) {
          expect((await pending)?.body, 'the answer with P2 dead').to.include({ outcome: 'committed' });
          expect(await decidedBy(cluster, ['P1', 'P3'], id)).to.equal('committed');
        }
        await cluster.nodes.restart('P2');
        const answer = await settle(cluster, announced(id, protocol));
        const told = await pending;
        if (told?.status === 200) expect(answer, 'the same id again').to.deep.equal(told.body);
        if (answer['outcome'] === 'committed') committed.push(id);
        await expectAllOrNothing(cluster, committed);
      } catch (error) {
        if (error instanceof Error) error.message = `(killed at ${point}, ${id}) ${error.message}`;
        throw error;
      }
    }
  });
}
