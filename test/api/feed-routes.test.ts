/** The feed of a participant, followed over a socket while its groups change. */
import { expect } from 'chai';
import { feedRoutes, FEED_BEAT_MS } from '../../src/api/feed-routes.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { Router } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { served } from './served-participant.ts';

/** What a follower of one group heard, and whether the feed has ended. */
interface Followed {
  readonly lines: string[];
  isOver: boolean;
}

/** Runs a test with a followed feed of the history of a participant. */
async function withFollower(
  run: (followed: Followed, participant: ReturnType<typeof served>) => Promise<void>,
): Promise<void> {
  const one = served();
  const { participant, loop } = one;
  const { resources } = participant;
  const router = new Router(
    feedRoutes({
      participant,
      ...{ groups: [{ group: 'chat' }], incarnation: 'log' },
      observe: (look) => Promise.resolve(look()),
      follow: (listener) => resources.onChange((change) => loop.whenDurable(() => listener(change))),
      durablePosition: () => resources.position,
    }),
  );
  const bugs: unknown[] = [];
  const server = new HttpServer({
    handler: (request) => router.handle(request),
    onBug: (error) => bugs.push(error),
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new HttpClient({ host: '127.0.0.1', port });
  const followed: Followed = { lines: [], isOver: false };
  const path = `/feed?group=chat&since=${resources.position}&incarnation=log`;
  const ended = client
    .stream({ method: 'GET', path, onLine: (line) => followed.lines.push(line), timeoutMs: 30_000 })
    .catch(() => undefined)
    .finally(() => (followed.isOver = true));
  try {
    await eventually('the feed is heard', () => followed.lines.length > 0);
    await run(followed, one);
  } finally {
    client.close();
    await server.close();
    await ended;
  }
  expect(bugs).to.deep.equal([]);
}

const beats = ({ lines }: Followed): number => lines.filter((line) => line.includes('"beat"')).length;

describe('the feed of a participant', () => {
  it('ends when a copy replaces a group, since its changes do not tell what the copy brought', async () => {
    await withFollower(async (followed, { participant }) => {
      const line = { room: 'lobby', seq: 1, key: 'k', author: 'ann', text: 'said while it was away' };
      participant.resources.stageCopy('chat', 1, [line]);
      participant.resources.installCopy('chat');
      await eventually('the feed has ended', () => followed.isOver);
      expect(followed.lines.some((text) => text.includes('"data"'))).to.equal(false);
    });
  });

  it('goes on while other groups change', async () => {
    await withFollower(async (followed, { prepare, hear, log, participant }) => {
      const number = prepare({ group: 'bank', resource: 'ledger', type: 'create', opening: 5 });
      log.sync();
      hear({ type: 'commit', number });
      log.sync();
      expect(participant.resources.position).to.equal(3);
      const heard = beats(followed);
      await eventually(`it beats on, every ${FEED_BEAT_MS} ms`, () => beats(followed) >= heard + 3);
      expect(followed.isOver).to.equal(false);
      expect(followed.lines.at(-1)).to.equal('{"beat":3}');
    });
  });
});
