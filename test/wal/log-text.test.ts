import { expect } from 'chai';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printLog } from '../../src/wal/log-text.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { fingerprint, openNode, rejectionOf } from './open-node.ts';
import { START, buildLine, buildLog, bytesOf } from './record-builder.ts';
import type { PrintedLog } from '../../src/wal/log-text.ts';
import type { BuiltLine } from './record-builder.ts';

const FILE = 'wal-0000000000000001.jsonl';

/** A log of the given records. */
function logOf(records: readonly unknown[]): readonly BuiltLine[] {
  return records.reduce<BuiltLine[]>(
    (lines, record) => [...lines, buildLine(lines.length + 1, 1, lines.at(-1)?.checksum ?? '00000000', record)],
    [],
  );
}

async function printed(directory: string, json: boolean): Promise<PrintedLog & { readonly lines: string[] }> {
  const lines: string[] = [];
  const before = await fingerprint(directory);
  const result = await printLog({ directory, json, write: (line) => lines.push(line) });
  expect(await fingerprint(directory), 'printing changes no byte').to.deep.equal(before);
  return { ...result, lines };
}

describe('printing a log', () => {
  const records = [
    START,
    { type: 'prepared', number: 'abcd1234.1.7', id: 'TX001', sites: ['P1', 'P2'], forced: true },
    { type: 'answer', id: 'TX001', reason: 'voted no' },
  ];

  it('gives one line a record in columns: seq, epoch, type, number or id, the rest as key=value', () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, FILE), bytesOf(logOf(records)));
      const { lines, verdict } = await printed(directory, false);
      expect(verdict.kind).to.equal('clean');
      expect(lines).to.deep.equal([
        '       1      1  start           -                       name=P1 role=participant incarnation=abcd1234 version=0',
        '       2      1  prepared        abcd1234.1.7            id=TX001 sites=P1,P2 forced=true',
        '       3      1  answer          TX001                   reason="voted no"',
        'log: clean',
      ]);
    }));

  it('gives one JSON object a line', () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, FILE), bytesOf(logOf(records)));
      const { lines } = await printed(directory, true);
      expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal([
        ...records.map((record, index) => ({ seq: index + 1, epoch: 1, record })),
        { verdict: 'clean' },
      ]);
    }));

  it('says where damage is, and goes on with the records after it', () =>
    withTemporaryDirectory(async (directory) => {
      const bytes = bytesOf(buildLog(6));
      const third = bytesOf(buildLog(2)).length;
      bytes.fill('#', third + 40, third + 43);
      await writeFile(join(directory, FILE), bytes);
      const { lines, verdict } = await printed(directory, false);
      expect(verdict).to.deep.include({ kind: 'corrupt', file: FILE, offset: third, seq: 3 });
      expect(lines[2]).to.match(
        new RegExp(`^!! corrupt: ${FILE}, offset ${third}, record 3: .*valid record 4 follows`),
      );
      expect(lines[3]).to.include(`offset ${third}`);
      expect(lines.filter((line) => /^ +[0-9]+ /.test(line)).map((line) => Number(line.slice(0, 8)))).to.deep.equal([
        1, 2, 4, 5, 6,
      ]);
      expect(lines.at(-1)).to.equal('log: corrupt');
      const asJson = (await printed(directory, true)).lines.map((line) => JSON.parse(line) as unknown);
      expect(asJson[2]).to.have.property('damage').that.includes({ kind: 'corrupt', offset: third, seq: 3 });
      expect(asJson[4]).to.have.property('seq', 4);
    }));

  it('reads the log of a running node, torn tail and all, and tells of the checkpoint', () =>
    withTemporaryDirectory(async (directory) => {
      const node = await openNode(directory);
      node.log.append({ type: 'note', text: 'one' }, { force: true });
      await node.takeCheckpoint({ state: null, data: [{ kind: 'texts', lines: ['one'] }], keep: [] });
      const { lines } = await printed(directory, false);
      expect(lines[0]).to.equal(
        `checkpoint of participant P1 (${node.incarnation}) at record 2, epoch 1; ` +
          'data files: data-texts-0000000000000002.jsonl 6 B',
      );
      await node.close();
      await writeFile(join(directory, FILE), '00000000 12', { flag: 'a' });
      const torn = await printed(directory, false);
      expect(torn.verdict.kind).to.equal('torn');
      expect(torn.lines.at(-1)).to.equal('log: torn');
    }));

  it('works without the checkpoint when that is damaged', () =>
    withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, FILE), bytesOf(buildLog(3)));
      await writeFile(join(directory, 'checkpoint.json'), '{"seq":2');
      const { lines, checkpointFault } = await printed(directory, false);
      expect(checkpointFault).to.include({ code: 'checkpoint-corrupt' });
      expect(lines[0]).to.match(/^!! .*checkpoint\.json: it is not JSON/);
      expect(lines).to.have.length(5);
    }));

  it('lets nothing in a record steer the terminal', () =>
    withTemporaryDirectory(async (directory) => {
      const text = 'a\u001b[2J\u009b2J\u202e\u200b\u007f\nb';
      await writeFile(join(directory, FILE), bytesOf(logOf([START, { type: 'note', text }])));
      const { lines } = await printed(directory, false);
      expect(lines[1]).to.include('text="a\\u001b[2J\\u009b2J\\u202e\\u200b\\u007f\\nb"');
      const asJson = await printed(directory, true);
      expect(JSON.parse(asJson.lines[1] ?? '') as unknown).to.have.nested.property('record.text', text);
    }));

  it('names a directory that is not there', () =>
    withTemporaryDirectory(async (parent) => {
      const error = await rejectionOf(
        printLog({ directory: join(parent, 'none'), json: false, write: () => undefined }),
      );
      expect(error).to.include({ code: 'directory-unusable' });
      expect(String(error)).to.include('ENOENT');
    }));
});
