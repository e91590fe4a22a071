/** The log of a node: nothing is lost in a burst, no field forges a line, secrets stay out. */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNodeLog } from '../../src/daemons/node-log.ts';
import { RotatingFile } from '../../src/daemons/rotating-file.ts';
import type { NodeLog } from '../../src/daemons/node-log.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

/** A log whose lines are read back as objects, and its narration. */
async function withLog(
  use: (log: NodeLog, lines: () => Record<string, unknown>[], narrated: string[], file: string) => void,
): Promise<void> {
  await withTemporaryDirectory((directory) => {
    const file = join(directory, 'logs', 'node.log');
    const narrated: string[] = [];
    const log = createNodeLog({
      node: 'P1',
      role: 'participant',
      file,
      level: 'info',
      terminal: (line) => narrated.push(line),
    });
    const lines = () =>
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    use(log, lines, narrated, file);
    return Promise.resolve();
  });
}

describe('the log of a node', () => {
  it('loses none of 2,001 lines written in one burst across many rotations before a kill -9', async () => {
    await withTemporaryDirectory((directory) => {
      const file = join(directory, 'node.log');
      const script = join(import.meta.dirname, 'burst-writer.ts');
      const child = spawnSync(process.execPath, ['--import=tsx', script, file, '2001', '20000'], { encoding: 'utf8' });
      expect(child.signal).to.equal('SIGKILL');
      const files = readdirSync(directory);
      expect(files.length).to.be.greaterThan(5);
      const seen = files
        .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { index: number }).index)
        .sort((a, b) => a - b);
      expect(seen).to.deep.equal(Array.from({ length: 2001 }, (_, index) => index + 1));
      for (const name of files) expect(statSync(join(directory, name)).size).to.be.at.most(20_000);
      return Promise.resolve();
    });
  }).timeout(20_000);

  it('writes one JSON object per line with time, level, event, message, node, role and pid first', async () => {
    await withLog((log, lines, _narrated, file) => {
      log.info('transaction-committed', 'TX001 committed.', { number: 'c.1.2', id: 'TX001' });
      const [line] = lines();
      expect(Object.keys(line ?? {})).to.deep.equal([
        'time',
        'level',
        'event',
        'message',
        'node',
        'role',
        'pid',
        'number',
        'id',
      ]);
      expect(line?.['time']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(line).to.include({ level: 'info', node: 'P1', role: 'participant', pid: process.pid, number: 'c.1.2' });
      expect(statSync(file).mode & 0o777).to.equal(0o600);
    });
  });

  it('keeps lines below its level out, in the file and on the terminal', async () => {
    await withLog((log, lines, narrated) => {
      log.debug('quiet', 'not written');
      log.error('loud', 'written');
      expect(lines().map((line) => line['event'])).to.deep.equal(['loud']);
      expect(narrated).to.have.length(1);
    });
  });

  it('cannot be made to forge a line or move the cursor, by message or field', async () => {
    const evil = 'a\n{"level":"error"}\r\u001b[2K\u009b1A\u2028\u202Eb';
    await withLog((log, lines, narrated, file) => {
      log.info('said', evil, { text: evil, [evil]: evil });
      expect(lines()).to.have.length(1);
      expect(lines()[0]?.['message']).to.equal(evil);
      const onFile = readFileSync(file, 'utf8').trimEnd();
      const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/;
      expect(onFile).not.to.match(unsafe);
      const withoutColour = (narrated[0] ?? '').replaceAll(new RegExp(String.raw`\u001b\[[0-9;]{1,9}m`, 'g'), '');
      expect(withoutColour).not.to.match(unsafe);
    });
  });

  it('cannot have its own members replaced by fields', async () => {
    await withLog((log, lines) => {
      log.info('real', 'real', { event: 'fake', level: 'error', node: 'P9', time: 'never', pid: 1 });
      expect(lines()[0]).to.include({ event: 'real', level: 'info', node: 'P1', pid: process.pid });
    });
  });

  it('leaves out secrets by the name of their field, at any depth', async () => {
    await withLog((log, lines, narrated, file) => {
      log.info('login', 'somebody', { password: 'hunter2', headers: { Authorization: 'Parley hunter2' } });
      expect(readFileSync(file, 'utf8')).not.to.include('hunter2');
      expect(narrated.join('')).not.to.include('hunter2');
      expect(lines()[0]?.['password']).to.equal('[not logged]');
    });
  });

  it('logs errors with code and cause, big integers, and what cannot be logged, without throwing', async () => {
    await withLog((log, lines) => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      const error = new Error('outer', { cause: new Error('inner') });
      log.warn('failed', 'it failed', { error, big: 2n ** 70n });
      log.warn('circle', 'round', { circle });
      log.warn('long', 'x'.repeat(10_000));
      const [first, second, third] = lines();
      expect(first?.['error']).to.deep.include({ name: 'Error', message: 'outer' });
      expect((first?.['error'] as { cause: unknown }).cause).to.include({ message: 'inner' });
      expect(first?.['big']).to.equal('1180591620717411303424');
      expect(second?.['event']).to.equal('circle');
      expect(second?.['unloggable']).to.match(/circular/);
      expect((third?.['message'] as string).length).to.be.lessThan(5000);
    });
  });

  it('begins a line of its own after a line that a kill left half written', async () => {
    await withTemporaryDirectory((directory) => {
      const path = join(directory, 'node.log');
      writeFileSync(path, '{"half');
      new RotatingFile({ path, bytesMax: 1000, filesMax: 2 }).append('{"whole":1}');
      expect(readFileSync(path, 'utf8')).to.equal('{"half\n{"whole":1}\n');
      return Promise.resolve();
    });
  });

  it('keeps no more files than asked, the newest lines in the plain name', async () => {
    await withTemporaryDirectory((directory) => {
      const path = join(directory, 'node.log');
      const file = new RotatingFile({ path, bytesMax: 10, filesMax: 3 });
      for (const line of ['aaaaaa', 'bbbbbb', 'cccccc', 'dddddd', 'eeeeee']) file.append(line);
      file.close();
      expect(readdirSync(directory).sort()).to.deep.equal(['node.log', 'node.log.1', 'node.log.2']);
      const contents = ['node.log', 'node.log.1', 'node.log.2'].map((name) =>
        readFileSync(join(directory, name), 'utf8'),
      );
      expect(contents).to.deep.equal(['eeeeee\n', 'dddddd\n', 'cccccc\n']);
      return Promise.resolve();
    });
  });

  it('opens the path anew after it was moved away and reopen was asked', async () => {
    await withLog((log, lines, _narrated, file) => {
      log.info('one', 'one');
      renameSync(file, `${file}.moved`);
      log.reopen();
      log.info('two', 'two');
      expect(lines().map((line) => line['event'])).to.deep.equal(['two']);
    });
  });

  it('goes on when the file cannot be written, and counts what was lost once it can', async () => {
    await withTemporaryDirectory((directory) => {
      const file = join(directory, 'node.log');
      mkdirSync(file);
      const log = createNodeLog({ node: 'P1', role: 'participant', file, level: 'info', terminal: false });
      const stderr = process.stderr.write.bind(process.stderr);
      const told: string[] = [];
      process.stderr.write = (text: string) => told.push(text) > 0;
      try {
        log.info('one', 'one');
        log.info('two', 'two');
      } finally {
        process.stderr.write = stderr;
      }
      expect(told).to.have.length(1);
      expect(told[0]).to.match(/^node\.log cannot be written: EISDIR/);
      renameSync(file, `${file}.directory`);
      appendFileSync(file, '');
      log.info('three', 'three');
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.include({ event: 'three', linesLostBefore: 2 });
      return Promise.resolve();
    });
  });
});
