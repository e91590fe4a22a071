/** Breaking off a connection, so that its other end sees a reset and not an end (RFC 9293, 3.10.5). */
import type { Socket } from 'node:net';

/**
 * Sends RST and closes. While a FIN is being handed to the kernel that waits for it, at most one turn of the event
 * loop: libuv refuses to reset such a socket (`EINVAL`), and Node 20 then never closes it, nor ends at its exit.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding && !socket.destroyed && !socket.connecting) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
