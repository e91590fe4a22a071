/**
 * The shipped log over every state that a power cut could leave
 * (src/lab/prove/power-states.ts says which), and the model of the disk itself.
 */
import { expect } from 'chai';
import { losePower } from '../../src/lab/prove/power-loss.ts';
import { PowerModel } from '../../src/lab/prove/power-states.ts';
import { WriteListDisk } from '../../src/lab/prove/write-list-disk.ts';

const STATES = 5_000;
/** With a sync that lies, so few must be enough to notice. */
const CONTROL_STATES = 1_000;

describe('power cuts', () => {
  it(`leave, in ${STATES} states of the disk, all that was told durable and nothing that was not appended`, async function () {
    this.timeout(300_000);
    const report = await losePower({ statesMax: STATES });
    expect(report.violations).to.deep.equal([]);
    expect(report.states).to.equal(STATES);
    expect(report.lives).to.be.greaterThan(1);
    // Only where the disk kept a later sector without an earlier one, which is rare among these states.
    expect(report.refusedReordered).to.be.lessThan(STATES / 50);
  });

  for (const lying of ['sync', 'sync-directory'] as const) {
    it(`are seen to lose what was told when ${lying} does nothing, so this check can fail`, async function () {
      this.timeout(300_000);
      const report = await losePower({ statesMax: CONTROL_STATES, lying });
      expect(report.violations).to.not.deep.equal([]);
      expect(report.violations.some((violation) => violation.includes('were told durable'))).to.equal(true);
    });
  }
});

/** Every state after these steps, as `path: text` lines, each once. */
async function statesAfter(steps: (disk: WriteListDisk) => Promise<void>): Promise<readonly string[]> {
  const initial = new Map([['/d/a', Buffer.from('old')]]);
  const disk = new WriteListDisk(initial);
  await steps(disk);
  const model = new PowerModel(initial);
  for (const change of disk.changes) model.take(change);
  const texts = [...model.states()].map(({ files }) =>
    [...files].map(([path, data]) => `${path}: ${data.toString('latin1')}`).join(', '),
  );
  return [...new Set(texts)];
}

describe('the model of the disk', () => {
  it('keeps of an unsynced write nothing, each beginning, or all of it', async () => {
    const states = await statesAfter(async (disk) => {
      const fd = await disk.open('/d/a', 'write');
      await disk.write(fd, Buffer.from('NEW!'), 3);
    });
    expect(states).to.have.members(['old', 'oldN', 'oldNE', 'oldNEW', 'oldNEW!'].map((text) => `/d/a: ${text}`));
  });

  it('keeps all of a synced write, whatever comes after it', async () => {
    const states = await statesAfter(async (disk) => {
      const fd = await disk.open('/d/a', 'write');
      await disk.write(fd, Buffer.from('NEW'), 0);
      await disk.sync(fd);
      await disk.truncate(fd, 1);
    });
    expect(states).to.have.members(['/d/a: NEW', '/d/a: N']);
  });

  it('may keep a later unsynced write without an earlier one', async () => {
    const states = await statesAfter(async (disk) => {
      const fd = await disk.open('/d/a', 'write');
      await disk.write(fd, Buffer.from('X'), 0);
      await disk.write(fd, Buffer.from('YZ'), 3);
    });
    expect(states).to.include('/d/a: oldYZ').and.to.include('/d/a: XldY').and.to.include('/d/a: old');
  });

  it('may keep the old name of a renamed file until its directory is synced', async () => {
    const rename = async (disk: WriteListDisk): Promise<void> => {
      const fd = await disk.open('/d/b', 'create');
      await disk.write(fd, Buffer.from('n'), 0);
      await disk.sync(fd);
      await disk.rename('/d/b', '/d/a');
    };
    expect(await statesAfter(rename)).to.have.members(['/d/a: old', '/d/a: old, /d/b: n', '/d/a: n']);
    const synced = await statesAfter(async (disk) => {
      await rename(disk);
      await disk.syncDirectory('/d');
    });
    expect(synced).to.deep.equal(['/d/a: n']);
  });

  it('has an empty file where the name was kept and the bytes were not', async () => {
    const states = await statesAfter(async (disk) => {
      const fd = await disk.open('/d/b', 'create');
      await disk.write(fd, Buffer.from('n'), 0);
      await disk.syncDirectory('/d');
    });
    expect(states).to.have.members(['/d/a: old, /d/b: ', '/d/a: old, /d/b: n']);
  });
});
