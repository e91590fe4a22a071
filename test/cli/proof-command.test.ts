import { Writable } from 'node:stream';
import { expect } from 'chai';
import { proofCommands } from '../../src/cli/proof-command.ts';
import type { CliIo } from '../../src/cli/command.ts';

async function run(spec: string, argv: Readonly<Record<string, string>>): Promise<{ code: number; text: string }> {
  let text = '';
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const io: CliIo = { input: process.stdin, output, errorOutput: output, env: {} };
  const code = await proofCommands.find((command) => command.spec === spec)?.run?.(argv, io);
  return { code: code ?? -1, text };
}

describe('parley simulate and parley explore', () => {
  it('prints the seed and every option first, and what came of it', async () => {
    const { code, text } = await run('simulate', { seed: '7', seeds: '2', protocol: '3pc' });
    const [first, last] = text.trimEnd().split('\n');
    expect(first).to.equal('simulate --seed 7 --seeds 2 --protocol 3pc --participants 3 --transactions 30 --faults 8');
    expect(last).to.match(/^2 seeds: \d+ committed, \d+ aborted, \d+ faults hit, 0 seeds violated$/);
    expect(code).to.equal(0);
  });

  it('gives the same figures for the same seed', async () => {
    const argv = { seed: '11', seeds: '1' };
    expect(await run('simulate', argv)).to.deep.equal(await run('simulate', argv));
  });

  it('explores a small world whole', async () => {
    const { code, text } = await run('explore', { protocol: '2pc', participants: '2' });
    expect(text)
      .to.match(/^\d+ states, \d+ transitions, complete$/m)
      .and.include('no violation');
    expect(code).to.equal(0);
  });

  it('names an option that is wrong', async () => {
    const refused = await run('simulate', { protocol: '4pc' }).catch((error: unknown) => String(error));
    expect(refused).to.include('--protocol is 4pc; allowed: 2pc, 3pc, mixed.');
  });
});
