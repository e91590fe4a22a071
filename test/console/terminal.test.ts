/** The console at the edge: prompts, lines that arrive meanwhile, Ctrl-C, pipes, history. */
import { expect } from 'chai';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { ParleyError } from '../../src/base/errors.ts';
import { HISTORY_LINES_MAX, historyPath, openHistory } from '../../src/console/line-history.ts';
import { printable } from '../../src/console/printable.ts';
import { Terminal } from '../../src/console/terminal.ts';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { Captured, runScript } from './console-harness.ts';
import { Screen } from './screen.ts';
import type { LineRunner, Reply } from '../../src/console/command-table.ts';

/** Answers each line with itself in capitals; `quit` leaves, `fail` fails, `wait` waits for release(). */
function shouter(): LineRunner & { release: () => void; ran: string[] } {
  const ran: string[] = [];
  let release = (): void => undefined;
  const waiting = new Promise<void>((resolve) => (release = resolve));
  return {
    ran,
    release,
    run: async (line): Promise<Reply> => {
      ran.push(line);
      if (line === 'fail') throw new ParleyError('busy', 'Not now.');
      if (line === 'wait') await waiting;
      else await new Promise((resolve) => setImmediate(resolve));
      return { lines: line === '' ? [] : [line.toUpperCase()], json: { line }, quit: line === 'quit' };
    },
    complete: (line) => [['help ', 'quit '].filter((word) => word.startsWith(line)), line],
  };
}

interface Sitting {
  readonly input: PassThrough;
  readonly screen: Screen;
  readonly terminal: Terminal;
  readonly runner: ReturnType<typeof shouter>;
  readonly done: Promise<number>;
  /** Waits until the screen shows exactly these rows. */
  shows(...rows: string[]): Promise<void>;
}

/** A person at a terminal of 24 columns. */
async function sitDown(run: (sitting: Sitting) => Promise<void>, historyFile?: string): Promise<void> {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const screen = new Screen(24);
  const terminal = new Terminal({
    input,
    output: screen,
    errorOutput: screen,
    prompt: '> ',
    json: false,
    historyFile,
    command: undefined,
    comments: true,
  });
  const runner = shouter();
  const done = terminal.run(runner);
  const shows = async (...rows: string[]): Promise<void> => {
    await eventually(
      `the screen shows ${JSON.stringify(rows)}, not ${JSON.stringify(screen.rows)}`,
      () => JSON.stringify(screen.rows) === JSON.stringify(rows),
    );
  };
  try {
    await run({ input, screen, terminal, runner, done, shows });
  } finally {
    terminal.end(0);
    await done;
  }
}

describe('a console at a terminal', () => {
  it('S2-2: prints a line that arrives above the prompt and leaves the half-typed text as it was', async () => {
    await sitDown(async ({ input, terminal, shows }) => {
      input.write('hal');
      await shows('> hal');
      terminal.print('[bob]: 0:00:01:hi');
      await shows('[bob]: 0:00:01:hi', '> hal');
      input.write('lo\r');
      await shows('[bob]: 0:00:01:hi', '> hallo', 'HALLO', '>');
    });
  });

  it('keeps half-typed text that takes several rows whole, however many lines arrive', async () => {
    await sitDown(async ({ input, terminal, shows }) => {
      const long = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVW';
      const drawn = ['> abcdefghijklmnopqrstuv', 'wxyz0123456789ABCDEFGHIJ', 'KLMNOPQRSTUVW'];
      input.write(long);
      await shows(...drawn);
      for (const line of ['one', 'two', 'three']) terminal.print(line);
      await shows('one', 'two', 'three', ...drawn);
      input.write('\u0001X');
      terminal.print('four');
      await shows(
        'one',
        'two',
        'three',
        'four',
        '> Xabcdefghijklmnopqrstu',
        'vwxyz0123456789ABCDEFGHI',
        'JKLMNOPQRSTUVW',
      );
    });
  });

  it('drops the line at Ctrl-C, leaves at the second with 130, and forgets the first after a command', async () => {
    await sitDown(async ({ input, shows, done }) => {
      input.write('half');
      input.write('\u0003');
      await shows('(Ctrl-C again leaves)', '>');
      input.write('x\r');
      await shows('(Ctrl-C again leaves)', '> x', 'X', '>');
      input.write('\u0003');
      input.write('\u0003');
      expect(await done).to.equal(130);
    });
  });

  it('leaves a command that waits for an answer at the second Ctrl-C', async () => {
    await sitDown(async ({ input, runner, done }) => {
      input.write('wait\r');
      await eventually('the command runs', () => runner.ran.includes('wait'));
      input.write('\u0003');
      input.write('\u0003');
      expect(await done).to.equal(130);
    });
  });

  it('leaves at Ctrl-D and at quit with 0', async () => {
    await sitDown(async ({ input, done }) => {
      input.write('\u0004');
      expect(await done).to.equal(0);
    });
    await sitDown(async ({ input, done }) => {
      input.write('quit\r');
      expect(await done).to.equal(0);
    });
  });

  it('runs lines typed ahead in order, after the one that waits, and shows each above its answer', async () => {
    await sitDown(async ({ input, runner, screen }) => {
      input.write('wait\r');
      input.write('a\rb\r');
      await eventually('the first runs', () => runner.ran.length === 1);
      runner.release();
      await eventually('all ran', () => runner.ran.length === 3);
      expect(runner.ran).to.deep.equal(['wait', 'a', 'b']);
      const expected = ['WAIT', '> a', 'A', '> b', 'B', '>'];
      await eventually('each answer stands below its line', () =>
        expected.every((row, index) => screen.rows.at(index - expected.length) === row),
      );
    });
  });

  it('completes with Tab', async () => {
    await sitDown(async ({ input, shows }) => {
      input.write('he\t');
      await shows('> help');
    });
  });

  it('tells an error in one line and goes on', async () => {
    await sitDown(async ({ input, screen }) => {
      input.write('fail\r');
      await eventually(
        'the error and the prompt',
        () => screen.rows.at(-1) === '>' && screen.rows.join('').includes('busy: Not now.'),
      );
    });
  });

  it('keeps typed lines for the next session in a file only its user can read', async () => {
    await withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'state', 'parley', 'test-history');
      await sitDown(async ({ input, runner }) => {
        input.write('first\r second with a blank\rfirst\rthird\rthird\r');
        await eventually('all ran', () => runner.ran.length === 5);
      }, file);
      expect(readFileSync(file, 'utf8')).to.equal('first\nthird\n');
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(join(directory, 'state', 'parley')).mode & 0o777).to.equal(0o700);
      await sitDown(async ({ input, shows }) => {
        input.write('\u001b[A\u001b[A');
        await shows('> first');
      }, file);
    });
  });
});

describe('a console on a pipe', () => {
  it('runs line by line, shows no prompt, and ends with the code of the first failure', async () => {
    const runner = shouter();
    const { code, output, errors } = await runScript(runner, 'a\n# comment\nfail\n\nb');
    expect(output).to.equal('A\nB\n');
    expect(errors).to.match(/^busy: Not now\. /);
    expect(code).to.equal(1);
    expect(runner.ran).to.deep.equal(['a', 'fail', '', 'b']);
  });

  it('loses no line of a long script, and stops at quit', async () => {
    const runner = shouter();
    const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}`);
    await runScript(runner, [...lines, 'quit', 'never'].join('\r\n'));
    expect(runner.ran).to.deep.equal([...lines, 'quit']);
  });

  it('runs one command with its exit code and reads no input', async () => {
    const runner = shouter();
    const { code, output } = await runScript(runner, 'never\n', { command: 'once' });
    expect([code, output]).to.deep.equal([0, 'ONCE\n']);
    expect((await runScript(shouter(), '', { command: 'fail' })).code).to.equal(1);
    expect(runner.ran).to.deep.equal(['once']);
  });

  it('ends without a word when nobody reads its output any more', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const errors = new Captured();
    const input = new PassThrough();
    const terminal = new Terminal({
      input,
      output: broken,
      errorOutput: errors,
      prompt: '',
      json: false,
      historyFile: undefined,
      command: undefined,
      comments: false,
    });
    input.write('a\nb\n');
    expect(await terminal.run(shouter())).to.equal(0);
    expect(errors.text).to.equal('');
  });

  it('shows control characters instead of obeying them', async () => {
    const { output } = await runScript(shouter(), 'a\u001b[2Jb\u009b\u202ec\n');
    expect(output).to.equal('A\\u001b[2JB\\u009b\\u202eC\n');
    expect(printable('tab\there, ümlaut, 🙂')).to.equal('tab\there, ümlaut, 🙂');
  });
});

describe('the history of typed lines', () => {
  it('lies in XDG_STATE_HOME when that is absolute, else below the home directory', () => {
    expect(historyPath('bank', { XDG_STATE_HOME: '/state' })).to.equal('/state/parley/bank-history');
    expect(historyPath('bank', { XDG_STATE_HOME: 'relative' })).to.match(/\/\.local\/state\/parley\/bank-history$/);
  });

  it('mends the mode of a file others could read, and cuts a file that grew too long', async () => {
    await withTemporaryDirectory((directory) => {
      const file = join(directory, 'history');
      const lines = Array.from({ length: 2 * HISTORY_LINES_MAX }, (_, index) => `${index}`);
      writeFileSync(file, lines.join('\n'), { mode: 0o644 });
      const history = openHistory(file);
      expect(history.lines).to.have.length(HISTORY_LINES_MAX);
      expect(history.lines[0]).to.equal(lines.at(-1));
      history.add('new');
      expect(readFileSync(file, 'utf8').trimEnd().split('\n')).to.deep.equal([
        ...lines.slice(-HISTORY_LINES_MAX),
        'new',
      ]);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      return Promise.resolve();
    });
  });

  it('is no reason to fail when its file cannot be used', async () => {
    await withTemporaryDirectory((directory) => {
      const history = openHistory(directory);
      history.add('line');
      expect(history.lines).to.deep.equal([]);
      return Promise.resolve();
    });
  });
});

describe('a console that ends', () => {
  it('tells a person who left from a script that came to its end', async () => {
    const leaves = async (script: string): Promise<boolean> => {
      const input = new PassThrough();
      const captured = new Captured();
      const terminal = new Terminal({
        input,
        output: captured,
        errorOutput: captured,
        prompt: '',
        json: false,
        historyFile: undefined,
        command: undefined,
        comments: true,
      });
      input.end(script);
      await terminal.run(shouter());
      return terminal.left;
    };
    expect(await leaves('a\n')).to.equal(false);
    expect(await leaves('a\nquit\nb\n')).to.equal(true);
    await sitDown(async ({ input, terminal, done }) => {
      input.write('\u0004');
      await done;
      expect(terminal.left).to.equal(true);
    });
  });
});
