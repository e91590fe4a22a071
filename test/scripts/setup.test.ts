/** Set-up on a checkout of its own: what it does, what it does not repeat, and what it says when it fails. */
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { makeCheckout, setNpm } from './checkout.ts';
import type { Checkout } from './checkout.ts';

const SETUP = 'scripts/setup.mjs';

function inCheckout(run: (checkout: Checkout) => Promise<void>): () => Promise<void> {
  return () => withTemporaryDirectory(async (directory) => run(await makeCheckout(directory)));
}

describe('scripts/setup.mjs', () => {
  it(
    'installs with the development dependencies, builds, links the command, and then has nothing to do or say',
    inCheckout(async (checkout) => {
      const first = await checkout.run(SETUP);
      expect(first.code, first.stderr).to.equal(0);
      expect(await checkout.npmCalls()).to.deep.equal(['ci --include=dev --ignore-scripts --no-audit --no-fund']);
      const command = await checkout.run('node_modules/.bin/parley', 'tx', 'list');
      expect(command).to.deep.equal({ code: 7, stdout: 'ran tx list\n', stderr: '' });

      expect(await checkout.run(SETUP)).to.deep.equal({ code: 0, stdout: '', stderr: '' });
      const told = await checkout.run(SETUP, '--verbose');
      expect(told.stderr).to.equal('setup: dependencies, build and command are up to date\n');
      expect(await checkout.npmCalls()).to.have.lengthOf(1);
    }),
  );

  it(
    'builds again after a change of a source and installs again after a change of the lockfile, each only then',
    inCheckout(async (checkout) => {
      await checkout.run(SETUP);
      await checkout.write('src/gone.ts', 'export const gone = 1;\n');
      const built = await checkout.run(SETUP);
      expect(built.stderr).to.include('building').and.not.to.include('installing');
      expect(existsSync(join(checkout.directory, 'dist', 'gone.js'))).to.equal(true);

      await checkout.write('src/gone.ts', '');
      await checkout.write('package-lock.json', '{ "lockfileVersion": 3, "packages": { "": { "name": "other" } } }\n');
      const installed = await checkout.run(SETUP);
      expect(installed.stderr).to.include('installing');
      expect(await checkout.npmCalls()).to.have.lengthOf(2);
    }),
  );

  it(
    'installs nothing through a link to the packages of another checkout, which npm ci would delete',
    inCheckout(async (checkout) => {
      await checkout.write('other/node_modules/chai/package.json', '{}');
      await symlink(join(checkout.directory, 'other', 'node_modules'), join(checkout.directory, 'node_modules'));
      const refused = await checkout.run(SETUP);
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('is a link to').and.to.include('Remove the link');
      expect(existsSync(join(checkout.directory, 'npm', 'calls')), 'npm was called').to.equal(false);
      expect(existsSync(join(checkout.directory, 'other', 'node_modules', 'chai', 'package.json'))).to.equal(true);
    }),
  );

  it(
    'takes over an install that somebody made by hand',
    inCheckout(async (checkout) => {
      await checkout.run(SETUP);
      const lock = {
        lockfileVersion: 3,
        packages: { '': {}, 'node_modules/chai': { version: '6.3.0', integrity: 'x' } },
      };
      await checkout.write('package-lock.json', JSON.stringify(lock));
      await checkout.write('node_modules/.package-lock.json', JSON.stringify(lock).replace('"":{},', ''));
      const stamp = join(checkout.directory, 'node_modules', '.parley-setup.json');
      await checkout.write('node_modules/.parley-setup.json', 'cut sho');
      expect((await checkout.run(SETUP)).stderr).not.to.include('installing');
      expect(JSON.parse(await readFile(stamp, 'utf8'))).to.have.property('lock');

      await checkout.write('package-lock.json', JSON.stringify(lock).replace('6.3.0', '6.3.1'));
      await checkout.write('node_modules/.parley-setup.json', '');
      expect((await checkout.run(SETUP)).stderr).to.include('installing');
    }),
  );

  it(
    'shows the last lines of an npm that failed, says what to do, and leaves no stamp',
    inCheckout(async (checkout) => {
      await setNpm(checkout.directory, 'fails');
      const failed = await checkout.run(SETUP);
      expect(failed.code).to.equal(1);
      expect(failed.stderr).to.include('npm error code E404').and.to.include('npm run setup');
      expect(failed.stderr).not.to.include('first');
      expect(existsSync(join(checkout.directory, 'dist'))).to.equal(false);

      await setNpm(checkout.directory, 'installs');
      expect((await checkout.run(SETUP)).code).to.equal(0);
    }),
  );

  it(
    'keeps the build it has when the compiler refuses the sources',
    inCheckout(async (checkout) => {
      await checkout.run(SETUP);
      await checkout.write('src/cli.ts', 'export const text: string = 1;\n');
      const refused = await checkout.run(SETUP);
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('src/cli.ts(1,14)');
      expect((await checkout.run('bin/parley.mjs')).stdout).to.equal('ran \n');
      expect((await checkout.run(SETUP)).code, 'a second try').to.equal(1);
      expect((await readdir(checkout.directory)).filter((name) => name.startsWith('dist'))).to.deep.equal(['dist']);
    }),
  );

  it(
    'does the work once when three start at the same time',
    inCheckout(async (checkout) => {
      const ends = await Promise.all([1, 2, 3].map(() => checkout.run(SETUP)));
      expect(ends.map(({ code }) => code)).to.deep.equal([0, 0, 0]);
      expect(await checkout.npmCalls()).to.have.lengthOf(1);
      expect(ends.filter(({ stderr }) => stderr.includes('setup: built'))).to.have.lengthOf(1);
      expect(await readdir(join(checkout.directory, '.parley'))).to.deep.equal([]);
    }),
  );

  it(
    'begins again where a killed set-up left a lock and half an install',
    inCheckout(async (checkout) => {
      await setNpm(checkout.directory, 'hangs');
      const { child, end } = checkout.start(SETUP);
      const npmPid = await eventually('npm runs', async () => {
        const text = await readFile(join(checkout.directory, 'npm', 'pid'), 'utf8');
        return text === '' ? undefined : Number(text);
      });
      child.kill('SIGKILL');
      process.kill(npmPid, 'SIGKILL');
      await end;
      expect(await readdir(join(checkout.directory, '.parley'))).to.deep.equal(['setup.lock']);

      await setNpm(checkout.directory, 'installs');
      const again = await checkout.run(SETUP);
      expect(again.code, again.stderr).to.equal(0);
      expect(await checkout.npmCalls()).to.have.lengthOf(2);
    }),
  );

  it(
    'refuses a Node that is too old in one line, and an option it does not know',
    inCheckout(async (checkout) => {
      const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.18.3"})';
      const old = await checkout.run(`--import=${older}`, SETUP);
      expect(old.code).to.equal(2);
      expect(old.stderr).to.equal('setup: Parley needs Node 20.19 or newer; this is 20.18.3. See nodejs.org.\n');
      const unknown = await checkout.run(SETUP, '--fast');
      expect(unknown.code).to.equal(2);
      expect(unknown.stderr).to.include('it does not take --fast');
    }),
  );
});

describe('bin/parley.mjs', () => {
  it(
    'says in one line what to do when nothing is built',
    inCheckout(async (checkout) => {
      const unbuilt = await checkout.run('bin/parley.mjs', 'up');
      expect(unbuilt).to.deep.equal({
        code: 2,
        stdout: '',
        stderr: 'parley: it is not built yet. Run: npm run setup\n',
      });
    }),
  );
});

describe('scripts/run.mjs and scripts/start.mjs', () => {
  it(
    'set up, say what they run, and end with its exit code',
    inCheckout(async (checkout) => {
      const started = await checkout.run('scripts/start.mjs', '--only', 'P1');
      expect(started.stderr).to.match(/^setup: installing[^]*\n> parley up --demo --local-clients --only P1\n$/);
      expect(started.stdout).to.equal('ran up --demo --local-clients --only P1\n');
      expect(started.code).to.equal(7);
      const ran = await checkout.run('scripts/run.mjs', 'bank');
      expect(ran).to.deep.equal({ code: 7, stdout: 'ran bank\n', stderr: '> parley bank\n' });
    }),
  );
});
