/** Child of node-log.test.ts: logs a burst into the file named first, then kills itself in the same turn. */
import { createNodeLog } from '../../src/daemons/node-log.ts';

const [file, lines, bytesMax] = process.argv.slice(2);
const log = createNodeLog({
  node: 'P1',
  role: 'participant',
  file: file ?? '',
  level: 'info',
  terminal: false,
  bytesMax: Number(bytesMax),
  filesMax: 1000,
});
for (let index = 1; index <= Number(lines); index += 1) log.info('burst', `line ${index}`, { index });
process.kill(process.pid, 'SIGKILL');
