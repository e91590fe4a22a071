import { Writable } from 'node:stream';
import { expect } from 'chai';
import { proofCommands } from '../../src/cli/proof-command.ts';
import type { CliIo } from '../../src/cli/command.ts';

async function run(
  spec: string,
  argv: Readonly<Record<string, string | boolean>>,
): Promise<{ code: number; text: string }> {
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
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).to.equal(
      'simulate --seed 7 --seeds 2 --protocol 3pc --participants 3 --transactions 20 --faults 6',
    );
    expect(lines.at(-1)).to.match(/^2 seeds, 2 counted: \d+ committed, \d+ aborted, \d+ faults hit, 0 seeds violated$/);
    expect(code).to.equal(0);
  });

  it('gives the same figures for the same seed', async () => {
    const argv = { seed: '11', seeds: '2', json: true };
    const [once, again] = [await run('simulate', { ...argv, workers: '0' }), await run('simulate', argv)];
    expect(once).to.deep.equal(again);
    const result = JSON.parse(once.text) as { part: string; verdict: string; counts: { seeds: number } };
    expect([result.part, result.verdict, result.counts.seeds]).to.deep.equal(['seeds', 'ok', 2]);
  });

  it('shows what one seed does, line by line', async () => {
    const { code, text } = await run('simulate', { seed: '3', trace: true, transactions: '3', faults: '1' });
    expect(text)
      .to.match(/^\d+\.\d\d P1 writes prepared \d+$/m)
      .and.match(/^\d+\.\d\d coordinator sends commit \d+$/m);
    expect(text.trimEnd().split('\n').at(-1)).to.equal('0 violations');
    expect(code).to.equal(0);
  });

  it('crashes at a part of the points', async () => {
    const { code, text } = await run('simulate', { 'crash-points': 'single', 'slice': '3/100', 'json': true });
    const result = JSON.parse(text) as { part: string; verdict: string; counts: { runs: number; hit: number } };
    expect([result.part, result.verdict, code]).to.deep.equal(['points', 'ok', 0]);
    expect(result.counts.runs).to.be.within(5, 100);
    const refused = await run('simulate', { 'crash-points': 'single', 'slice': '3/2' }).catch(String);
    expect(refused).to.include('--slice is 3/2');
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
