/**
 * `node --import=tsx scripts/probe.mjs --port N [--host H]`: the cases of test/conformance/http11probe-cases.ts to any
 * server on this machine that answers GET / and takes POST /, judged by the first answer as Http11Probe judges it:
 * how many pass, and the ids of those that do not. Without `--port`, to Node's own server with an echo behind it.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { PROBE_CASES } from '../test/conformance/http11probe-cases.ts';

/** Long enough for a server on the same machine to answer, or to close. */
const WAIT_MS = 400;

const { values } = parseArgs({ options: { port: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' } } });
const node = createServer((request, answer) => {
  if (
    request.method !== 'GET' &&
    request.method !== 'POST' &&
    request.method !== 'HEAD' &&
    request.method !== 'OPTIONS'
  ) {
    answer.writeHead(405, { Allow: 'GET, POST' }).end();
  } else if (request.method === 'POST') request.pipe(answer);
  else answer.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok');
});
if (values.port === undefined) await new Promise((resolve) => node.listen(0, '127.0.0.1', resolve));
const port = values.port === undefined ? node.address().port : Number(values.port);

// What waits for the rest of a frame says nothing by its first answer.
const judged = PROBE_CASES.filter(({ rest, pass }) => rest === undefined && pass.length > 0);
const baseline = await firstOf(judged.find(({ id }) => id === 'COMP-BASELINE').send);
if (baseline.status === undefined) {
  process.stderr.write(
    `Nobody answers GET / on ${values.host}:${port}; a closed connection would pass for a refusal.\n`,
  );
  process.exit(2);
}
const failed = [];
for (const one of judged) if (!passes(one, await firstOf(one.send))) failed.push(one.id);
process.stdout.write(`${judged.length - failed.length} of ${judged.length} pass; not: ${failed.join(' ')}\n`);
node.close();

function passes({ pass, statuses }, { status, count, isClosed }) {
  // One answer too many is what was hidden in a request.
  if (count > statuses.length && statuses[0] === 400) return false;
  if (status === undefined) return isClosed && pass.includes(400);
  return pass.includes(status) || (pass.includes(200) && status >= 200 && status < 300);
}

function firstOf(send) {
  return new Promise((resolve) => {
    const socket = connect({ host: values.host, port });
    let text = '';
    const end = (isClosed) => {
      clearTimeout(timer);
      socket.destroy();
      const found = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)]
        .map((match) => Number(match[1]))
        .filter((each) => each >= 200);
      resolve({ status: found[0], count: found.length, isClosed });
    };
    const timer = setTimeout(() => end(false), WAIT_MS);
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => end(true)).on('close', () => end(true));
    socket.write(send, 'latin1');
  });
}
