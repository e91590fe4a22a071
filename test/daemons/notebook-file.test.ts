import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FeedDesk } from '../../src/daemons/feed-desk.ts';
import { NotebookFile } from '../../src/daemons/notebook-file.ts';
import { GROUPS, served } from '../api/served-participant.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const write = (string: string) => ({ group: 'notes', resource: 'notebook', type: 'write', string });

describe('The file of a notebook', () => {
  it('has one line per durable string, whatever the string holds, and is whole again after a restart', async () => {
    await withTemporaryDirectory((directory) => {
      const path = join(directory, 'notebook.txt');
      const { participant, loop, hear, prepare, log } = served();
      const open = (): NotebookFile => new NotebookFile(path, participant, GROUPS, new FeedDesk(participant, loop));
      const file = open();
      expect(readFileSync(path, 'utf8')).to.equal('');
      hear({ type: 'commit', number: prepare(write('Hello')) });
      expect(readFileSync(path, 'utf8')).to.equal('');
      log.sync();
      expect(readFileSync(path, 'utf8')).to.equal('Hello\n');
      hear({ type: 'commit', number: prepare(write('two\nlines \\ and\rmore')) });
      log.sync();
      const whole = 'Hello\ntwo\\nlines \\\\ and\\rmore\n';
      expect(readFileSync(path, 'utf8')).to.equal(whole);
      file.close();
      hear({ type: 'commit', number: prepare(write('unseen')) });
      log.sync();
      expect(readFileSync(path, 'utf8')).to.equal(whole);
      open().close();
      expect(readFileSync(path, 'utf8')).to.equal(`${whole}unseen\n`);
      return Promise.resolve();
    });
  });

  it('is that of the copy when a copy replaced the notebook, once the copy is durable', async () => {
    await withTemporaryDirectory((directory) => {
      const path = join(directory, 'notebook.txt');
      const { participant, loop, hear, prepare, log } = served();
      const file = new NotebookFile(path, participant, GROUPS, new FeedDesk(participant, loop));
      hear({ type: 'commit', number: prepare(write('old')) });
      log.sync();
      const source = { name: 'P2', address: '' };
      hear({ type: 'join', group: 'notes', attempt: 1, source });
      const strings = ['one', 'two'].map((string, offset) => ({ index: offset + 1, string }));
      loop.handle({ type: 'copy-finished', group: 'notes', attempt: 1, parts: 0, lines: strings });
      expect(readFileSync(path, 'utf8')).to.equal('old\n');
      log.sync();
      expect(readFileSync(path, 'utf8')).to.equal('one\ntwo\n');
      file.close();
      return Promise.resolve();
    });
  });
});
