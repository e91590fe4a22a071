/** 3PC of the textbook on real processes, where every silence is a crash: there it keeps what it promises. */
import { expect } from 'chai';
import { textAt } from '../../src/console/transaction-text.ts';
import { arm, crashed, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView } from '../support/invariants.ts';
import { recordsOf, typesOf } from '../support/node-log.ts';
import { ANNOUNCED, decidedBy, expectAllOrNothing, PARTICIPANTS, pay, payNow } from './announced-payment.ts';

const protocol = '3pc-textbook';

describe('3PC of the textbook on real processes, in the lab', function () {
  this.timeout(300_000);

  it('commits through the middle phase, says at the start that it is unsafe, and aborts on a no', async () => {
    await withCluster({ ...ANNOUNCED, protocol }, async (cluster) => {
      expect(cluster.lines.some((line) => /UNSAFE.*3pc-textbook/.test(line))).to.equal(true);
      const { body } = await payNow(cluster, 'YES', protocol);
      expect(body).to.include({ outcome: 'committed', protocol });
      await expectAllOrNothing(cluster, ['YES']);
      await cluster.nodes.stop();
      const number = textAt(body, 'number');
      for (const name of PARTICIPANTS) {
        expect(typesOf(await recordsOf(cluster, name), number), name).to.deep.equal([
          'prepared',
          'precommitted',
          'committed',
        ]);
      }
      expect(typesOf(await recordsOf(cluster, 'coordinator'), number)).to.deep.equal([
        'begin',
        'precommitted',
        'commit',
        'end',
      ]);
    });
  });

  for (const { point, outcome } of [
    { point: 'coordinator.precommitted.forced', outcome: 'aborted' },
    { point: 'coordinator.precommit.sent', outcome: 'committed' },
  ]) {
    it(`goes on without the coordinator that died at ${point}: all ${outcome}, and it agrees when it is back`, async () => {
      await withCluster({ ...ANNOUNCED, crashAt: { coordinator: point } }, async (cluster) => {
        void pay(cluster, 'DIES', protocol);
        await crashed(cluster, 'coordinator');
        expect(await decidedBy(cluster, PARTICIPANTS, 'DIES')).to.equal(outcome);
        await cluster.nodes.restart('coordinator');
        const back = await eventually('the coordinator knows', async () => {
          const { body } = await cluster.ask('coordinator', 'GET', '/transactions/DIES');
          return body['outcome'] !== 'unknown' && body;
        });
        expect(back).to.include({ outcome });
        await expectAllOrNothing(cluster, outcome === 'committed' ? ['DIES'] : []);
      });
    });
  }
});

describe('2PC that rolls back in ready, in the lab', function () {
  this.timeout(300_000);

  it('loses what was committed: the participant whose coordinator is away rolls back by itself', async () => {
    const unsafe = ['--unsafe', 'roll-back-in-ready'];
    await withCluster({ ...ANNOUNCED, args: { P2: unsafe } }, async (cluster) => {
      expect(cluster.lines.some((line) => /UNSAFE.*roll-back-in-ready/.test(line))).to.equal(true);
      await arm(cluster, 'coordinator', 'coordinator.commit.forced');
      await allInView(cluster);
      void pay(cluster, 'LOST', '2pc');
      await crashed(cluster, 'coordinator');
      expect(await decidedBy(cluster, ['P2'], 'LOST')).to.equal('aborted');
      // Here the coordinator has committed, and P1 has not heard yet; P2 has not waited for it.
      await cluster.nodes.restart('coordinator');
      const told = await eventually('the coordinator tells', async () => {
        const { body } = await cluster.ask('coordinator', 'GET', '/transactions/LOST');
        return body['outcome'] !== 'unknown' && body;
      });
      expect(told).to.include({ outcome: 'committed' });
    });
  });
});
