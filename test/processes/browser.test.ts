/**
 * A browser's fetch and EventSource, unchanged, against a server: a page that
 * this machine serves is at home at it, and a page of another site changes and
 * reads nothing, though it runs in a browser on this very machine.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { HttpClient } from '../../src/net/http-client.ts';
import { withCluster } from '../support/cluster.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const BROWSER = 'chromium';
const BROWSER_MS_MAX = 150_000;
/** A site that no name server knows; the browser is told that it is this machine. */
const ELSEWHERE = 'elsewhere.test';

/** What both pages begin with: `report` tells the test, and goes on to another page when there is one. */
const REPORT = `const report = async (found, next) => {
  await fetch('/result', { method: 'POST', body: JSON.stringify(found) });
  if (next !== undefined) location.href = next;
};
const failure = (work) => work.then((answer) => answer.type + ' ' + answer.status, (error) => error.name);
`;

/** At home: reads, changes, an error that can be read, and the line of a room as it is committed. */
function homePage(next: string): string {
  return `<!doctype html><title>home</title><script type="module">${REPORT}
const found = {};
const json = (body) => ({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
found.role = (await (await fetch('/version')).json()).role;
found.head = (await fetch('/version', { method: 'HEAD' })).status;
found.executions = (await (await fetch('/lab/frames?k=home', json('x'.repeat(300000)))).json()).executions;
found.unknown = (await (await fetch('/nowhere')).json()).code;
const source = new EventSource('/events?rooms=lobby');
await new Promise((resolve) => source.addEventListener('position', resolve));
const heard = new Promise((resolve) => source.addEventListener('line', resolve));
found.sent = (await (await fetch('/rooms/lobby/messages', json({ author: 'ada', text: 'grüße 👋' }))).json()).outcome;
const { data, lastEventId } = await heard;
found.line = JSON.parse(data).text;
found.hasId = lastEventId !== '';
source.close();
await report(found, ${JSON.stringify(next)});
</script>`;
}

/** Elsewhere: the same asked of the server's own address, from a page that is not this machine's. */
function foreignPage(server: string): string {
  return `<!doctype html><title>elsewhere</title><script type="module">${REPORT}
const found = {};
const server = ${JSON.stringify(server)};
found.read = await failure(fetch(server + '/version'));
found.blind = await failure(fetch(server + '/lab/frames?k=away', { method: 'POST', mode: 'no-cors', body: '{}' }));
const headers = { 'Content-Type': 'application/json' };
found.preflight = await failure(fetch(server + '/lab/frames?k=away', { method: 'POST', headers, body: '{}' }));
found.events = await new Promise((resolve) => {
  const source = new EventSource(server + '/events?rooms=lobby');
  source.onopen = () => resolve('open');
  source.onerror = () => resolve('error');
});
await report(found);
</script>`;
}

/** A site of the test's own: pages by path, results as they come, and all else from the server behind it. */
class Site {
  readonly results: Promise<readonly unknown[]>;
  readonly #server: Server;

  constructor(pages: Readonly<Record<string, () => string>>, behind: { readonly host: string; readonly port: number }) {
    const results: unknown[] = [];
    let done: (results: readonly unknown[]) => void = () => undefined;
    this.results = new Promise((resolve) => (done = resolve));
    this.#server = createServer((request, response) => {
      const page = pages[request.url ?? ''];
      if (page !== undefined) return void response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page());
      if (request.url !== '/result') return pass(request, response, behind);
      let text = '';
      request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      request.on('end', () => {
        response.end();
        results.push(JSON.parse(text));
        if (results.length === Object.keys(pages).length) done(results);
      });
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { host, port }: { readonly host: string; readonly port: number },
): void {
  const { method, url: path, headers } = request;
  const onward = forward({ host, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

/** Opens a page in a browser of its own, which speaks to this machine only, until `use` is over. */
async function inBrowser<T>(url: string, profile: string, use: Promise<T>): Promise<T> {
  const off = ['gpu', 'quic', 'background-networking', 'component-update', 'sync', 'dev-shm-usage', 'extensions'];
  const browser = spawn(
    BROWSER,
    [
      ...['--headless', '--no-sandbox', '--no-first-run', ...off.map((what) => `--disable-${what}`)],
      ...[`--user-data-dir=${profile}`, '--remote-debugging-port=0'],
      `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
      url,
    ],
    // A group of its own, so that all of its processes can be ended.
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  browser.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The pages say nothing. ${said.slice(-2000)}`)), BROWSER_MS_MAX);
  });
  try {
    return await Promise.race([use, late]);
  } finally {
    clearTimeout(timer);
    endGroup(browser.pid);
    await ended;
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe('a browser', function () {
  this.timeout(BROWSER_MS_MAX + 30_000);

  it('reads, changes and follows on a page of this machine, and does none of it on a page of another site', async function () {
    if (spawnSync('sh', ['-c', `command -v ${BROWSER}`]).status !== 0) {
      process.stdout.write(`    skipped: ${BROWSER} is not installed\n`);
      this.skip();
    }
    await withCluster({ participants: 1 }, async ({ nodes }) => {
      await withTemporaryDirectory(async (profile) => {
        const server = nodes.address('server');
        let port = 0;
        const site = new Site(
          {
            '/home': () => homePage(`http://${ELSEWHERE}:${port}/foreign`),
            '/foreign': () => foreignPage(`http://127.0.0.1:${server.port}`),
          },
          server,
        );
        port = await site.listen();
        const client = new HttpClient(server);
        const ask = async (path: string) => (await client.request({ method: 'GET', path })).body.toString();
        try {
          const [home, foreign] = await inBrowser(`http://127.0.0.1:${port}/home`, profile, site.results);
          expect(home).to.deep.equal({
            ...{ role: 'server', head: 200, executions: 1, unknown: 'not-found' },
            ...{ sent: 'committed', line: 'grüße 👋', hasId: true },
          });
          // A request that asks for no answer is sent whatever the server thinks of it: it must be refused there.
          expect(foreign).to.deep.equal({
            ...{ read: 'TypeError', blind: 'opaque 0', preflight: 'TypeError', events: 'error' },
          });
          expect(await ask('/lab/frames?k=away')).to.equal('{"executions":0}');
          expect(await ask('/metrics')).to.match(/^parley_http_answers_total\{[^}]*status="403"[^}]*\} 1$/m);
        } finally {
          client.close();
          site.close();
        }
      });
    });
  });
});
