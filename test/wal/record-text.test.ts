/** How `parley log` shows one record: columns, and the shortest words that can be told apart. */
import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printLog, recordText } from '../../src/wal/log-text.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { openNode } from './open-node.ts';
import { buildLine, bytesOf, note, START } from './record-builder.ts';

describe('a record in columns', () => {
  for (const [what, members, shown] of [
    ['a word as it is, any other text as JSON', { a: 'x.y:z', b: 'two words', c: '' }, 'a=x.y:z b="two words" c=""'],
    [
      'a number, null, true, and an object as JSON',
      { a: 1, b: null, c: true, d: { e: 1 } },
      'a=1 b=null c=true d={"e":1}',
    ],
    ['a site by its name', { a: { name: 'P1', address: 'h:1' } }, 'a=P1'],
    [
      'a list of sites',
      {
        a: [
          { name: 'P1', address: 'h:1' },
          { name: 'P2', address: '' },
        ],
      },
      'a=P1,P2',
    ],
    [
      'a round, and that before every round',
      { a: { counter: 2, site: 'P1' }, b: { counter: 0, site: '' } },
      'a=2@P1 b=0@',
    ],
    ['an empty list, and one of mixed things, as JSON', { a: [], b: ['x', 1] }, 'a=[] b=["x",1]'],
    [
      'what has more than a site has, as JSON',
      { a: { name: 'P1', address: 'h', z: 1 } },
      'a={"name":"P1","address":"h","z":1}',
    ],
    ['what only looks like a site, as JSON', { a: { name: 'P 1', address: 'h' } }, 'a={"name":"P 1","address":"h"}'],
    ['a name without an address, as JSON', { a: { name: 'P1', address: 5 } }, 'a={"name":"P1","address":5}'],
    ['what only looks like a round, as JSON', { a: { counter: '2', site: 'P1' } }, 'a={"counter":"2","site":"P1"}'],
    ['a round of a site that is no word, as JSON', { a: { counter: 2, site: 'P 1' } }, 'a={"counter":2,"site":"P 1"}'],
    ['a counter without a site, as JSON', { a: { counter: 2, site: 1 } }, 'a={"counter":2,"site":1}'],
  ] as const) {
    it(`shows ${what}`, () => {
      const line = recordText({ seq: 7, epoch: 2, record: { type: 'note', ...members } });
      expect(line).to.equal(`       7      2  note            -                       ${shown}`);
    });
  }

  it('shows what a terminal would obey or hide as an escape', () =>
    withTemporaryDirectory(async (directory) => {
      const hidden = { type: 'note', text: 'a\u202eb\u200bc\u0085' };
      const first = buildLine(1, 1, '00000000', START);
      const log = [first, buildLine(2, 1, first.checksum, hidden)];
      await writeFile(join(directory, 'wal-0000000000000001.jsonl'), bytesOf(log));
      const lines: string[] = [];
      await printLog({ directory, json: false, write: (line) => lines.push(line) });
      expect(lines[1]).to.include(String.raw`text="a\u202eb\u200bc\u0085"`);
    }));

  it('shows a checkpoint with the files it lists', () =>
    withTemporaryDirectory(async (directory) => {
      const node = await openNode(directory);
      for (const data of [[], [{ kind: 'texts', lines: ['a'] }]]) {
        node.log.append(note('x'), { force: true });
        await node.takeCheckpoint({ state: null, data, keep: [] });
        const lines: string[] = [];
        await printLog({ directory, json: false, write: (line) => lines.push(line) });
        const seq = data.length + 2;
        const files = data.length === 0 ? 'none' : 'data-texts-0000000000000003.jsonl 4 B';
        expect(lines[0]).to.equal(
          `checkpoint of participant P1 (${node.incarnation}) at record ${seq}, epoch 1; data files: ${files}`,
        );
      }
      await node.close();
    }));
});
