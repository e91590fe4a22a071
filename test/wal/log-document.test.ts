/** docs/log.md shows real lines: they are checked by the builder and by the code, so that they stay true. */
import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printLog } from '../../src/wal/log-text.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { buildLine } from './record-builder.ts';

describe('the example in docs/log.md', () => {
  it('has the checksums and lengths it should have, and prints as it is shown', () =>
    withTemporaryDirectory(async (directory) => {
      const document = await readFile(new URL('../../docs/log.md', import.meta.url), 'utf8');
      const lines = document.split('\n').filter((line) => /^[0-9a-f]{8} \d+ \{/.test(line));
      expect(lines).to.have.length(3);
      let prev = '00000000';
      for (const [index, line] of lines.entries()) {
        const { record } = JSON.parse(line.slice(line.indexOf('{'))) as { record: unknown };
        const built = buildLine(index + 1, 1, prev, record);
        expect(`${line}\n`).to.equal(built.line.toString());
        prev = built.checksum;
      }
      await writeFile(join(directory, 'wal-0000000000000001.jsonl'), `${lines.join('\n')}\n`);
      const printed: string[] = [];
      await printLog({ directory, json: false, write: (line) => printed.push(line) });
      expect(document).to.include(`\n${printed.join('\n')}\n`);
    }));
});
