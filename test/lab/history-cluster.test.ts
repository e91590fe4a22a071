/** The cluster of kill cycles, histories and the crash matrix, where it needs no process. */
import { expect } from 'chai';
import { HistoryCluster } from '../../src/lab/history-cluster.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { NodeAnswer } from '../../src/lab/history-cluster.ts';

/** Every request to it is answered with this. */
class AnsweringCluster extends HistoryCluster {
  answer: NodeAnswer | undefined;

  override async tryAsk(): Promise<NodeAnswer | undefined> {
    return this.answer;
  }
}

describe('arming a crash point', () => {
  it('fails when the node refuses it, and not when the node died of it before it could answer', async () => {
    await withTemporaryDirectory(async (directory) => {
      const cluster = new AnsweringCluster({ directory });
      const armed = (answer: NodeAnswer | undefined): Promise<string> => {
        cluster.answer = answer;
        return cluster.arm('P1', 'participant.vote.sent').then(() => 'armed', String);
      };
      expect(await armed({ status: 200, body: {} })).to.equal('armed');
      expect(await armed(undefined)).to.equal('armed');
      for (const status of [400, 404]) {
        expect(await armed({ status, body: { code: 'no' } })).to.include(
          `P1 does not arm participant.vote.sent: ${status} {"code":"no"}`,
        );
      }
    });
  });
});
