/** Three-phase commit while its coordinator lives: the phases in the logs, a no, a silence, a hang. */
import { expect } from 'chai';
import { textAt } from '../../src/console/transaction-text.ts';
import { withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView } from '../support/invariants.ts';
import { recordsOf, typesOf } from '../support/node-log.ts';
import { ANNOUNCED, decidedBy, expectAllOrNothing, PARTICIPANTS, payNow } from './announced-payment.ts';

describe('three-phase commit on real processes', function () {
  this.timeout(300_000);

  it('S0-10 S0-16: when all vote yes, pre-commits at all, and commits at all after that', async () => {
    await withCluster(ANNOUNCED, async (cluster) => {
      const { body } = await payNow(cluster, 'YES', '3pc');
      expect(body).to.include({ outcome: 'committed', protocol: '3pc' });
      await expectAllOrNothing(cluster, ['YES']);
      await cluster.nodes.stop();
      const number = textAt(body, 'number');
      for (const name of PARTICIPANTS) {
        const types = typesOf(await recordsOf(cluster, name), number);
        expect(types, name).to.deep.equal(['prepared', 'precommitted', 'committed']);
      }
      const types = typesOf(await recordsOf(cluster, 'coordinator'), number);
      expect(types).to.deep.equal(['begin', 'precommitted', 'commit', 'end']);
    });
  });

  it('S0-11 S0-12: when one votes no, and when one does not vote, aborts everywhere and delivers nothing', async () => {
    await withCluster(ANNOUNCED, async (cluster) => {
      await cluster.nodes.restart('P3', { args: ['--vote', 'no'] });
      await allInView(cluster);
      const no = await payNow(cluster, 'NO', '3pc');
      expect(no.body).to.include({ outcome: 'aborted' });
      expect(no.body['reason']).to.include({ code: 'voted-no' });
      expect(await decidedBy(cluster, PARTICIPANTS, 'NO')).to.equal('aborted');

      await cluster.nodes.restart('P3', { args: ['--vote', 'ask'] });
      await allInView(cluster);
      const silent = await payNow(cluster, 'SILENT', '3pc');
      expect(silent.body).to.include({ outcome: 'aborted' });
      expect(silent.body['reason']).to.include({ code: 'vote-timeout' });
      expect(await decidedBy(cluster, PARTICIPANTS, 'SILENT')).to.equal('aborted');
      await expectAllOrNothing(cluster, []);
    });
  });

  it('S0-12 S0-13: when one stands still, ends without it, and it takes the outcome when it goes on', async () => {
    await withCluster(ANNOUNCED, async (cluster) => {
      cluster.nodes.node('P2').pause();
      const { status, body } = await payNow(cluster, 'HANGS', '3pc');
      expect(status).to.equal(200);
      expect(body).to.include({ outcome: 'aborted' });
      expect(await decidedBy(cluster, ['P1', 'P3'], 'HANGS')).to.equal('aborted');
      cluster.nodes.node('P2').resume();
      await expectAllOrNothing(cluster, []);
      // Only a majority must go on: here P3 alone stands still, and only the chat is also its.
      cluster.nodes.node('P3').pause();
      const answer = await eventually('the rest goes on', async () => {
        const { body: later } = await payNow(cluster, 'REST', '3pc');
        return typeof later['outcome'] === 'string' && later['outcome'] !== 'unknown' && later;
      });
      cluster.nodes.node('P3').resume();
      await expectAllOrNothing(cluster, answer['outcome'] === 'committed' ? ['REST'] : []);
    });
  });
});
