/**
 * Runs every transcript of test/testdata/protocol: a comment that says what it
 * shows, then blocks of lines, `----`, and what they did. REWRITE=1 writes what
 * they do now; read the difference before you keep it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { TranscriptWorld } from './transcript-world.ts';

const FOLDER = new URL('../testdata/protocol/', import.meta.url);
const SEPARATOR = '----';

/** The transcript with the answers of the machines as they are now. */
function replay(text: string): string {
  const world = new TranscriptWorld();
  const blocks = text.trimEnd().split('\n\n');
  const played = blocks.map((block) => {
    if (!block.split('\n').includes(SEPARATOR)) return block;
    const [asked = ''] = block.split(`\n${SEPARATOR}`);
    const lines = asked.split('\n').filter((line) => !line.startsWith('#'));
    return [asked, SEPARATOR, ...lines.flatMap((line) => world.run(line))].join('\n');
  });
  return `${played.join('\n\n')}\n`;
}

describe('The transcripts of the protocols', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

  it('are there, and each begins with what it shows', () => {
    expect(names.length).to.be.at.least(9);
    for (const name of names) expect(readFileSync(new URL(name, FOLDER), 'utf8'), name).to.match(/^# /);
  });

  for (const name of names) {
    it(`${name.replace('.txt', '').replaceAll('-', ' ')}: the machines do what is written`, () => {
      const file = new URL(name, FOLDER);
      const written = readFileSync(file, 'utf8');
      const played = replay(written);
      if (process.env['REWRITE'] === '1') writeFileSync(file, played);
      else expect(played).to.equal(written);
    });
  }
});
