/** A directory that lives as long as one test. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes an empty directory, gives it to `run`, and removes it with all it
 * holds, whether `run` succeeds or throws. The path is free of symbolic links,
 * so that it can be compared with what a child process reports.
 */
export async function withTemporaryDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'parley-test-'));
  try {
    return await run(directory);
  } finally {
    // A killed child may still be writing its last file: rm tries again on ENOTEMPTY and EBUSY.
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
