/** The front end's routes about faults, against nodes that the test plays. */
import { expect } from 'chai';
import { faultRoutes } from '../../src/api/server-fault-routes.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { Request } from '../../src/net/request.ts';
import type { FaultApi, FaultNode } from '../../src/api/server-fault-routes.ts';
import type { ErrorCode } from '../../src/base/error-registry.ts';

const NODES: readonly FaultNode[] = [
  { node: 'coordinator', role: 'coordinator', address: 'c:1' },
  { node: 'P1', role: 'participant', address: 'p:1' },
  { node: 'P2', role: 'participant', address: undefined },
];

/** The status and body of an answer, or the code of the error. */
async function ask(
  api: Partial<FaultApi>,
  method: string,
  path: string,
  given: { readonly params?: Record<string, string>; readonly body?: object } = {},
): Promise<unknown> {
  const ask = () => Promise.resolve({ status: 200, body: { epoch: 3, open: true, faults: [] } });
  const routes = faultRoutes({ nodes: () => NODES, ask, isOpen: true, restart: () => undefined, ...api });
  const route = routes.find((one) => one.method === method && one.path === path);
  const head = { headers: {}, query: '', path, method } as never;
  const body = Buffer.from(JSON.stringify(given.body ?? {}));
  try {
    const parts = { head, body, remoteAddress: '', onClose: () => undefined };
    const answer = await route?.handler(new Request(parts, given.params));
    return [answer?.status, JSON.parse(String(answer?.body))];
  } catch (error) {
    if (error instanceof ParleyError) return error.code;
    throw error;
  }
}

const failing = (code: ErrorCode) => () => Promise.reject(new ParleyError(code, 'It is so.'));
const RESTART = '/bank/nodes/:node/restart';

describe('faults through the front end', () => {
  it('S3-13: has a node started again by whoever started the server, by the name as it is written in the file', async () => {
    const asked: string[] = [];
    const restart = (node: string): void => void asked.push(node);
    expect(await ask({ restart }, 'POST', RESTART, { params: { node: 'p1' } })).to.deep.equal([
      202,
      { node: 'P1', asked: true },
    ]);
    expect(asked).to.deep.equal(['P1']);
  });

  it('starts nothing again where nobody listens, where the server was not started for faults, or what there is not', async () => {
    const params = { node: 'P1' };
    expect(await ask({ restart: undefined }, 'POST', RESTART, { params })).to.equal('no-launcher');
    expect(await ask({ isOpen: false }, 'POST', RESTART, { params })).to.equal('no-faults');
    expect(await ask({}, 'POST', RESTART, { params: { node: 'server' } })).to.equal('bad-request');
  });

  it('takes a connection that breaks for the answer of a node that was told to crash, and of no other', async () => {
    const lost = { ask: failing('connection-lost') };
    const crash = { node: 'P1', do: 'crash', at: 'now' };
    expect(await ask(lost, 'POST', '/bank/faults', { body: crash })).to.deep.equal([
      202,
      { node: 'P1', crashed: true },
    ]);
    expect(await ask(lost, 'POST', '/bank/faults', { body: { node: 'P1', do: 'silence' } })).to.equal(
      'connection-lost',
    );
    expect(await ask({ ask: failing('no-faults') }, 'POST', '/bank/faults', { body: crash })).to.equal('no-faults');
    expect(await ask({}, 'POST', '/bank/faults', { body: { node: 'P2', do: 'silence' } })).to.equal('unreachable');
  });

  it('lists every node, with its rules, or as down', async () => {
    const listed = await ask({}, 'GET', '/bank/faults');
    expect(listed).to.deep.equal([
      200,
      {
        nodes: [
          { epoch: 3, open: true, faults: [], node: 'coordinator', role: 'coordinator', up: true },
          { epoch: 3, open: true, faults: [], node: 'P1', role: 'participant', up: true },
          { node: 'P2', role: 'participant', up: false },
        ],
      },
    ]);
    const silent = await ask({ ask: failing('timeout') }, 'GET', '/bank/faults');
    expect(JSON.stringify(silent)).to.include('"up":false,"detail":"It is so."').and.not.to.include('"up":true');
  });
});
