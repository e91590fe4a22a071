/** A process that takes the lock of a directory, says so, and stays until it is killed. */
import { lockDirectory } from '../../src/wal/directory-lock.ts';

const [directory = '', platform = process.platform] = process.argv.slice(2);
await lockDirectory(directory, platform as NodeJS.Platform);
process.stdout.write('locked\n');
// The lock does not keep a process alive; this does.
setInterval(() => undefined, 1_000_000);
