/**
 * `parley up` over stand-ins, as a process of its own that a test can signal
 * and kill. Arguments: the settings as JSON, the script of the stand-in.
 */
import { EXIT } from '../../src/base/errors.ts';
import { runUp } from '../../src/daemons/up.ts';
import type { UpSettings } from '../../src/daemons/config.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as UpSettings;
// Tests that type say so; a real terminal would need a pseudo-terminal.
const input = process.env['TYPED'] === undefined ? process.stdin : Object.assign(process.stdin, { isTTY: true });
process.exitCode = EXIT.bug;
process.exitCode = await runUp(settings, {
  input,
  output: process.stdout,
  errorOutput: process.stderr,
  env: process.env,
  command: [process.execPath, process.argv[3] ?? ''],
});
// A terminal's process would end by itself; the pipe that stands in for one is still open.
process.exit();
