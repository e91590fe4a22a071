import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { proofCommands } from '../../src/cli/proof-command.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
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

  it('says that it shows nothing when nothing went wrong in most seeds, and ends with 0 all the same', async () => {
    const argv = { seed: '1', seeds: '2', faults: '0', workers: '0' };
    const { code, text } = await run('simulate', { ...argv, json: true });
    expect((JSON.parse(text) as { verdict: string }).verdict).to.equal('inconclusive');
    expect(code).to.equal(0);
    expect((await run('simulate', argv)).text).to.match(/^INCONCLUSIVE: /m);
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

  it('says that nothing is shown when a limit stopped it, with an exit code of its own', async () => {
    const { code, text } = await run('explore', { protocol: '3pc', participants: '2', states: '500' });
    expect(text).to.match(/^500 states, \d+ transitions, not complete$/m);
    expect(text).to.not.match(/no violation$/m);
    expect(code).to.equal(3);
  });

  it('prints the shortest split of the textbook, and plays it again from a file', async () => {
    const found = await run('explore', { protocol: '3pc-textbook' });
    expect(found.text).to.include('VIOLATED in 9 steps: commit and abort were both decided');
    expect(found.code).to.equal(1);
    const asJson = await run('explore', { protocol: '3pc-textbook', json: true });
    expect(JSON.parse(asJson.text)).to.deep.include({ part: 'explorer', verdict: 'violated' });
    await withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'split.json');
      await writeFile(file, asJson.text);
      const played = await run('explore', { replay: file });
      expect(played.text)
        .to.match(/^C: committed\nP1: aborted$/m)
        .and.to.match(/VIOLATED: commit and abort were both/);
      expect(played.code).to.equal(1);
    });
  });

  it('names an option that is wrong', async () => {
    const refused = await run('simulate', { protocol: '4pc' }).catch((error: unknown) => String(error));
    expect(refused).to.include('--protocol is 4pc; allowed: 2pc, 3pc, parallel, mixed, 3pc-textbook.');
  });
});
