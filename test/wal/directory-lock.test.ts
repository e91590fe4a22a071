import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockDirectory } from '../../src/wal/directory-lock.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { fingerprint, openNode, rejectionOf } from './open-node.ts';
import { note } from './record-builder.ts';
import type { ChildProcess } from 'node:child_process';

const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

/** Runs with another process that holds the lock of the directory; it is dead when this resolves. */
async function withHolder(
  directory: string,
  platform: string,
  run: (holder: ChildProcess) => Promise<void>,
): Promise<void> {
  const holder = spawn(process.execPath, ['--import=tsx', HOLDER, directory, platform], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [said] = (await once(holder.stdout, 'data')) as [Buffer];
    expect(said.toString()).to.equal('locked\n');
    await run(holder);
  } finally {
    await killed(holder);
  }
}

async function killed(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  holder.kill('SIGKILL');
  await once(holder, 'exit');
}

// The socket file is what other systems use; it works here too, so that it is tested everywhere.
for (const platform of ['linux', 'darwin'] as const) {
  describe(`the lock of a directory, as on ${platform}`, function () {
    before(function () {
      if (platform === 'linux' && process.platform !== 'linux') this.skip();
    });

    it('keeps a second process out, naming the first, and is free the moment the first is killed', () =>
      withTemporaryDirectory((directory) =>
        withHolder(directory, platform, async (holder) => {
          const error = await rejectionOf(lockDirectory(directory, platform));
          expect(error).to.include({ code: 'directory-busy', exitCode: 75 });
          expect(String(error)).to.include(directory).and.to.include(`process ${holder.pid}`);
          await killed(holder);
          const lock = await lockDirectory(directory, platform);
          await lock.release();
        }),
      ));

    it('names no pid when the holder is stopped, and is refused all the same', () =>
      withTemporaryDirectory((directory) =>
        withHolder(directory, platform, async (holder) => {
          holder.kill('SIGSTOP');
          const error = await rejectionOf(lockDirectory(directory, platform));
          expect(error).to.include({ code: 'directory-busy' });
        }),
      ));

    it('is given back by release, and taken but once within a process', () =>
      withTemporaryDirectory(async (directory) => {
        const lock = await lockDirectory(directory, platform);
        const error = await rejectionOf(lockDirectory(directory, platform));
        expect(String(error)).to.include(`process ${process.pid}`);
        await lock.release();
        await (await lockDirectory(directory, platform)).release();
      }));
  });
}

describe('two processes on one directory', () => {
  it('are told apart from the directory, not from its path', function () {
    if (process.platform !== 'linux') this.skip();
    return withTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'real');
      const node = await openNode(directory);
      await symlink(directory, join(parent, 'other-name'));
      expect(await rejectionOf(openNode(join(parent, 'other-name')))).to.include({ code: 'directory-busy' });
      await node.close();
    });
  });

  it('leave the directory as it was: the second changes no byte, and the first goes on', () =>
    withTemporaryDirectory(async (directory) => {
      const node = await openNode(directory);
      node.log.append(note('mine'), { force: true });
      await node.log.flush();
      const before = await fingerprint(directory);
      expect(await rejectionOf(openNode(directory))).to.include({ code: 'directory-busy' });
      expect(await fingerprint(directory)).to.deep.equal(before);
      node.log.append(note('mine too'), { force: true });
      await node.close();
      const again = await openNode(directory);
      expect(again.replayed).to.deep.equal(['mine', 'mine too']);
      await again.close();
    }));
});
