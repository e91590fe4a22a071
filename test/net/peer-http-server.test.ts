/** The peer stream beside everything else that a daemon says on its port. */
import { expect } from 'chai';
import { HttpServer } from '../../src/net/http-server.ts';
import { eventually } from '../support/eventually.ts';
import { CREDENTIALS, hello, rawPeer, startNode } from './peer-node.ts';

describe('peer links behind the HTTP server', () => {
  it('share its port with its requests, outlive its timeouts, and are refused by it like anywhere else', async () => {
    const c = await startNode('C');
    const p = await startNode('P1');
    const bugs: unknown[] = [];
    const server = new HttpServer({
      handler: () => ({ status: 200, contentType: 'text/plain', body: 'alive' }),
      onBug: (error) => void bugs.push(error),
      onUpgrade: (head, socket, rest) => c.links.accept(head, socket, rest),
      timeouts: { idleMs: 250, headMs: 250, bodyMs: 250 },
    });
    try {
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      p.links.setPeers([{ name: 'C', address: `127.0.0.1:${port}`, dial: true }]);
      await eventually('both sides are up', () => c.links.isUp('P1') && p.links.isUp('C'));
      const frames = c.links.peers()[0]?.sentFrames ?? 0;
      // Two frames, own and answer, for every heartbeat: longer than any of the timeouts.
      await eventually('many heartbeats later', () => (c.links.peers()[0]?.sentFrames ?? 0) > frames + 40);
      p.links.send('C', { type: 'inquire' });
      c.links.send('P1', { type: 'outcome' });
      await eventually('both messages are there', () => c.messages.length === 1 && p.messages.length === 1);

      const plain = await rawPeer(port, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
      await eventually('a request is answered', () => plain.heard().endsWith('alive'));
      plain.socket.destroy();
      const refused = await rawPeer(port, hello({ Authorization: `${CREDENTIALS.header}x` }));
      await eventually('wrong credentials are refused', () => refused.closed());
      expect(refused.heard()).to.match(/^HTTP\/1\.1 403 /);
      refused.socket.destroy();

      expect(c.events).to.deep.equal(['up P1']);
      expect(p.events).to.deep.equal(['up C']);
      expect(bugs).to.deep.equal([]);
    } finally {
      await Promise.all([c.stop(), p.stop(), server.close()]);
    }
  });
});
