/** A reset closes a connection in whatever state its own end is. */
import { expect } from 'chai';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { resetSocket } from '../../src/lab/reset-socket.ts';

const BEFORE: readonly (readonly [title: string, act: (socket: Socket) => unknown])[] = [
  ['that is open', () => undefined],
  ['whose FIN is just being sent', (socket) => socket.end()],
  ['whose FIN waits behind bytes that nobody reads', (socket) => socket.end(Buffer.alloc(64 * 1024 * 1024))],
  ['whose FIN was sent', (socket) => once(socket.end(), 'finish')],
];

describe('resetSocket', () => {
  for (const [title, act] of BEFORE) {
    it(`closes a connection ${title}, without an error`, async () => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const [other] = await accepted;
      other.on('error', () => undefined);
      if (socket.connecting) await once(socket, 'connect');
      await act(socket);
      const errors: Error[] = [];
      socket.on('error', (error) => errors.push(error));
      const closed = once(socket, 'close');
      resetSocket(socket);
      await closed;
      expect(errors).to.deep.equal([]);
      other.destroy();
      await once(server.close(), 'close');
    });
  }
});
