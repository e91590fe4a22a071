/** The configuration: which source wins, what each error names, what the settings of a role are. */
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParleyError } from '../../src/base/errors.ts';
import { defaultCluster } from '../../src/daemons/cluster-file.ts';
import { configJson, configLines } from '../../src/daemons/config-print.ts';
import { SETTINGS, settingsOf } from '../../src/daemons/config-table.ts';
import { resolveConfig } from '../../src/daemons/config.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { ConfigInput } from '../../src/daemons/config.ts';

type Given = Partial<ConfigInput>;

/** A configuration from what is named here and nothing of this machine. */
function input(directory: string, given: Given = {}): ConfigInput {
  return { flags: {}, env: {}, directory, stdinIsTerminal: false, ...given };
}

function failureOf(work: () => unknown): ParleyError {
  try {
    work();
  } catch (error) {
    if (error instanceof ParleyError) return error;
    throw error;
  }
  throw new Error('expected a ParleyError');
}

async function inDirectory(run: (directory: string, write: (cluster: unknown) => string) => void): Promise<void> {
  await withTemporaryDirectory((directory) => {
    run(directory, (cluster) => {
      const path = join(directory, 'cluster.json');
      writeFileSync(path, JSON.stringify(cluster));
      return path;
    });
    return Promise.resolve();
  });
}

describe('the configuration of a daemon', () => {
  it('takes a port from flag, then environment, then file, then default, and says which it was', async () => {
    await inDirectory((directory, write) => {
      const flags = { port: '1' };
      const env = { PARLEY_PORT: '2' };
      const portOf = (given: Given) => {
        const { settings, report } = resolveConfig('server', input(directory, given));
        return [settings.port, report.find(({ key }) => key === 'port')?.origin];
      };
      expect(portOf({})).to.deep.equal([7000, { from: 'default' }]);
      const path = write({
        ...defaultCluster(),
        nodes: { ...defaultCluster().nodes, server: { role: 'server', port: 3 } },
      });
      expect(portOf({})).to.deep.equal([3, { from: 'file', place: `${path} nodes.server.port` }]);
      expect(portOf({ env })).to.deep.equal([2, { from: 'environment', place: 'PARLEY_PORT' }]);
      expect(portOf({ env, flags })).to.deep.equal([1, { from: 'flag', place: '--port' }]);
      expect(portOf({ env: { PARLEY_PORT: '' } })).to.deep.equal([
        3,
        { from: 'file', place: `${path} nodes.server.port` },
      ]);
    });
  });

  it('finds the cluster file by flag, environment, ./cluster.json, and else uses the built-in cluster', async () => {
    await inDirectory((directory, write) => {
      const named = (given: Given) => resolveConfig('coordinator', input(directory, given)).settings.configFile;
      expect(named({})).to.equal(undefined);
      const path = write(defaultCluster());
      const other = join(directory, 'other.json');
      writeFileSync(other, JSON.stringify(defaultCluster()));
      expect(named({})).to.equal(path);
      expect(named({ env: { PARLEY_CONFIG: other } })).to.equal(other);
      expect(named({ env: { PARLEY_CONFIG: '/nowhere' }, flags: { config: other } })).to.equal(other);
    });
  });

  it('gives every setting of every role a default, so that a bare command runs', async () => {
    await inDirectory((directory) => {
      const resolved = {
        server: resolveConfig('server', input(directory)).settings,
        coordinator: resolveConfig('coordinator', input(directory)).settings,
        participant: resolveConfig('participant', input(directory, { flags: { name: 'P2' } })).settings,
        up: resolveConfig('up', input(directory)).settings,
      };
      const { cluster: _1, limits: _2, ...server } = resolved.server;
      expect(server).to.deep.equal({
        role: 'server',
        name: 'server',
        host: '127.0.0.1',
        port: 7000,
        coordinator: { host: '127.0.0.1', port: 7100 },
        configFile: undefined,
        dataDir: 'logs/server',
        logLevel: 'info',
        lab: false,
        localClients: false,
        credentialsFile: '.parley/cluster.key',
        crashAt: [],
        showFrames: false,
        announce: false,
        exitWithParent: false,
      });
      expect(resolved.coordinator).to.include({ name: 'coordinator', port: 7100, console: false });
      expect(resolved.participant).to.deep.include({
        name: 'P2',
        port: 7202,
        vote: 'auto',
        groups: ['bank', 'chat', 'notes'],
        dataDir: 'logs/P2',
      });
      expect(resolved.up).to.deep.include({ dataDir: 'logs', only: ['server', 'coordinator', 'P1', 'P2', 'P3'] });
    });
  });

  it('limits what a client may ask of it, by flags, by the environment, and by the cluster file', async () => {
    await inDirectory((directory, write) => {
      const limitsOf = (given: Given = {}) => resolveConfig('server', input(directory, given)).settings.limits;
      const byDefault = {
        ...{ methodBytesMax: 8192, targetBytesMax: 16_384, headBytesMax: 32_768, fieldsMax: 100 },
        ...{ bodyBytesMax: 1_048_576, chunkExtensionBytesMax: 4096, trailerBytesMax: 8192, emptyLinesMax: 16 },
        ...{ headMs: 10_000, bodyMs: 30_000, idleMs: 60_000, flushMs: 30_000 },
        ...{ connectionsMax: 10_000, connectionsPerAddressMax: 5_000 },
      };
      expect(limitsOf()).to.deep.equal(byDefault);
      const asked = { flags: { limit: ['headMs=5000', 'fieldsMax=40'] } };
      expect(limitsOf(asked)).to.deep.equal({ ...byDefault, headMs: 5000, fieldsMax: 40 });
      expect(limitsOf({ env: { PARLEY_LIMIT: 'idleMs=900, bodyBytesMax=2048' } })).to.deep.equal({
        ...byDefault,
        idleMs: 900,
        bodyBytesMax: 2048,
      });
      const path = write({ ...defaultCluster(), limits: { headMs: 700, bodyMs: 800 } });
      expect(limitsOf(asked)).to.deep.equal({ ...byDefault, headMs: 5000, fieldsMax: 40, bodyMs: 800 });
      const { report, settings } = resolveConfig('up', input(directory, asked));
      expect(settings.limitTexts).to.deep.equal(['headMs=5000', 'fieldsMax=40']);
      const lines = configLines(report).map((line) => line.replaceAll(/ +/g, ' '));
      expect(lines).to.include('limits.headMs 5000 flag --limit');
      expect(lines).to.include(`limits.bodyMs 800 file ${path} limits.bodyMs`);
      expect(lines).to.include('limits.idleMs 60000 default');
    });
  });

  it('attaches a console where a person sits, unless told otherwise', async () => {
    await inDirectory((directory) => {
      const consoleOf = (given: Given) => resolveConfig('coordinator', input(directory, given)).settings.console;
      expect(consoleOf({ stdinIsTerminal: true })).to.equal(true);
      expect(consoleOf({ stdinIsTerminal: true, flags: { console: false } })).to.equal(false);
      expect(consoleOf({ env: { PARLEY_CONSOLE: '1' } })).to.equal(true);
    });
  });

  it('listens where others can reach it with TLS and credentials, from flags or from the cluster file', async () => {
    await inDirectory((directory, write) => {
      const tls = { cert: 'node.crt', key: 'node.key', ca: 'ca.crt' };
      const flags = { host: '10.1.2.3', credentials: 'cluster.key' };
      const byFlags = { ...flags, 'tls-cert': tls.cert, 'tls-key': tls.key, 'tls-ca': tls.ca };
      const settings = resolveConfig('coordinator', input(directory, { flags: byFlags })).settings;
      expect(settings).to.deep.include({ host: '10.1.2.3', tls });
      // Where everybody is listened to, nobody could dial a coordinator without being told more.
      const wild = { ...byFlags, host: '::' };
      const dialled = (more: object) => () =>
        resolveConfig('coordinator', input(directory, { flags: { ...wild, ...more } }));
      expect(failureOf(dialled({})).message).to.match(/^--host is ::, .*nobody can dial/);
      expect(dialled({ advertise: 'c.example:7100' })().settings).to.include({
        host: '::',
        advertise: 'c.example:7100',
      });
      const path = write({ ...defaultCluster(), tls });
      const config = resolveConfig(
        'server',
        input(directory, { flags: { ...flags, 'host': '0.0.0.0', 'tls-ca': 'other' } }),
      );
      expect(config.settings.tls).to.deep.equal({ ...tls, ca: 'other' });
      expect(config.report.find(({ key }) => key === 'tlsCert')).to.deep.equal({
        key: 'tlsCert',
        value: 'node.crt',
        origin: { from: 'file', place: `${path} tls.cert` },
      });
    });
  });

  it('tells others the address of a proxy where one is given, and only then', async () => {
    await inDirectory((directory) => {
      const settings = (given: Given) => resolveConfig('coordinator', input(directory, given)).settings;
      expect(settings({ flags: { advertise: '127.0.0.1:9000' } }).advertise).to.equal('127.0.0.1:9000');
      expect(settings({})).to.not.have.property('advertise');
      const error = failureOf(() => settings({ flags: { advertise: 'nowhere' } }));
      expect(error).to.have.property('code', 'usage');
      expect(error.message).to.include('--advertise').and.to.include('host:port');
    });
  });

  it('restricts a participant to the groups whose resources it is given', async () => {
    await inDirectory((directory) => {
      const groupsOf = (resources: string) =>
        resolveConfig('participant', input(directory, { flags: { name: 'P1', resources } })).settings.groups;
      expect(groupsOf('ledger,history,directory,notebook')).to.deep.equal(['bank', 'chat', 'notes']);
      expect(groupsOf('notebook')).to.deep.equal(['notes']);
      expect(failureOf(() => groupsOf('directory')).message).to.match(/^--resources leaves P1 without a group/);
    });
  });

  it('makes a cluster of as many participants as up is asked for, by one protocol', async () => {
    await inDirectory((directory) => {
      const flags = { backends: '5', protocol: '3pc', only: 'P5,coordinator' };
      const { cluster, only } = resolveConfig('up', input(directory, { flags })).settings;
      expect(only).to.deep.equal(['coordinator', 'P5']);
      expect(cluster.nodes['P5']).to.deep.equal({ role: 'participant', host: '127.0.0.1', port: 7205 });
      expect(cluster.groups['bank']?.members).to.deep.equal(['P1', 'P2', 'P3', 'P4', 'P5']);
      expect(cluster.protocol).to.deep.equal({ default: '3pc' });
    });
  });

  it('takes crash points from repeated flags and from a comma list in the environment, only with the lab', async () => {
    await inDirectory((directory) => {
      const crashAt = (given: Given) => resolveConfig('coordinator', input(directory, given)).settings.crashAt;
      const points = ['a.before', 'b.after#2'];
      expect(crashAt({ flags: { 'lab': true, 'crash-at': points } })).to.deep.equal(points);
      expect(crashAt({ env: { PARLEY_LAB: 'true', PARLEY_CRASH_AT: 'a.before, b.after#2' } })).to.deep.equal(points);
      const error = failureOf(() => crashAt({ flags: { 'crash-at': 'a.before' } }));
      expect(error).to.include({ code: 'usage', message: '--crash-at needs --lab.' });
    });
  });

  it('takes checkpoints after fewer records than by default, only with the lab', async () => {
    await inDirectory((directory) => {
      for (const role of ['coordinator', 'participant'] as const) {
        const records = (flags: Given['flags']) =>
          resolveConfig(
            role,
            input(directory, { flags: { ...flags, ...(role === 'participant' ? { name: 'P1' } : {}) } }),
          ).settings.checkpointRecords;
        expect(records({ 'lab': true, 'checkpoint-records': '300' })).to.equal(300);
        expect(records({ lab: true })).to.equal(undefined);
        expect(failureOf(() => records({ 'checkpoint-records': '300' }))).to.include({
          code: 'usage',
          message: '--checkpoint-records needs --lab.',
        });
        for (const wrong of ['0', '50001', 'few']) {
          expect(failureOf(() => records({ 'lab': true, 'checkpoint-records': wrong }))).to.include({ code: 'usage' });
        }
      }
    });
  });

  const WRONG: readonly {
    readonly title: string;
    readonly role?: 'up' | 'participant';
    readonly given: Given;
    readonly says: RegExp;
    readonly code?: string;
  }[] = [
    {
      title: 'a port that is no number',
      given: { flags: { port: '7a' } },
      says: /^--port is "7a"; allowed: .* 65535\.$/,
    },
    { title: 'a port in hexadecimal', given: { flags: { port: '0x10' } }, says: /^--port is "0x10"/ },
    { title: 'a port too high', given: { flags: { port: '65536' } }, says: /^--port is "65536"/ },
    { title: 'an empty port', given: { flags: { port: '' } }, says: /^--port is ""/ },
    { title: 'a port given twice', given: { flags: { port: ['1', '2'] } }, says: /^--port is given 2 times/ },
    {
      title: 'a limit of no name',
      given: { flags: { limit: 'headMS=5000' } },
      says: /^--limit names no limit "headMS"\. Did you mean "?headMs"?\?$/,
    },
    {
      title: 'a limit out of its bounds',
      given: { flags: { limit: 'bodyBytesMax=2000000' } },
      says: /^--limit is "bodyBytesMax=2000000"; allowed for bodyBytesMax: a whole number from 1024 to 1048576\.$/,
    },
    { title: 'a limit without a number', given: { flags: { limit: 'headMs' } }, says: /^--limit is "headMs"; allowed/ },
    { title: 'a limit of two numbers', given: { flags: { limit: 'headMs=500=500' } }, says: /^--limit is "headMs=500/ },
    {
      title: 'a limit given twice',
      given: { env: { PARLEY_LIMIT: 'headMs=500,headMs=600' } },
      says: /^PARLEY_LIMIT gives headMs twice; give it once\.$/,
      code: 'bad-config',
    },
    {
      title: 'a port in the environment',
      given: { env: { PARLEY_PORT: '-1' } },
      says: /^PARLEY_PORT is "-1"/,
      code: 'bad-config',
    },
    {
      title: 'a log level',
      given: { flags: { 'log-level': 'loud' } },
      says: /^--log-level .* error, warn, info, debug\.$/,
    },
    {
      title: 'a switch in the environment',
      given: { env: { PARLEY_LAB: 'yes' } },
      says: /^PARLEY_LAB is "yes"; allowed: true or false\.$/,
      code: 'bad-config',
    },
    {
      title: 'a coordinator without port',
      given: { flags: { coordinator: 'localhost' } },
      says: /^--coordinator .* host:port\.$/,
    },
    {
      title: 'an address others can reach',
      given: { flags: { host: '0.0.0.0' } },
      says: /^--host is 0\.0\.0\.0, .*lacks TLS .*--tls-cert.* and the credentials/,
    },
    {
      title: 'such an address with TLS and no credentials',
      given: { flags: { 'host': '10.1.2.3', 'tls-cert': 'c', 'tls-key': 'k', 'tls-ca': 'a' } },
      says: /^--host is 10\.1\.2\.3, .*lacks the credentials of the cluster/,
    },
    {
      title: 'such an address with credentials and no TLS',
      given: { flags: { host: 'bank.example', credentials: 'k' } },
      says: /^--host is bank\.example, .*lacks TLS/,
    },
    {
      title: 'a coordinator on another machine and no TLS',
      role: 'participant',
      given: { flags: { name: 'P1', coordinator: 'c.example:7100' } },
      says: /^--coordinator is on c\.example, .*key of the cluster would go in the clear\.$/,
    },
    {
      title: 'a certificate without its key',
      given: { flags: { 'tls-cert': 'c', 'tls-ca': 'a' } },
      says: /^--tls-cert needs --tls-cert, --tls-key and --tls-ca/,
    },
    {
      title: 'that address in the environment',
      given: { env: { PARLEY_HOST: '::' } },
      says: /^PARLEY_HOST is ::, /,
      code: 'bad-config',
    },
    { title: 'a line feed in a path', given: { flags: { 'data-dir': 'a\nb' } }, says: /^--data-dir is "a\\nb"/ },
    {
      title: 'a name of another role',
      given: { flags: { name: 'P1' } },
      says: /^--name is P1, whose role is participant; allowed: server\.$/,
    },
    {
      title: 'a misspelt variable',
      given: { env: { PARLEY_POTR: '1' } },
      says: /PARLEY_POTR .*Did you mean "PARLEY_PORT"/,
      code: 'bad-config',
    },
    {
      title: 'a file that is not there',
      given: { flags: { config: '/nowhere/c.json' } },
      says: /^The cluster file \/nowhere\/c\.json .*ENOENT/,
      code: 'bad-config',
    },
    {
      title: 'no backends',
      role: 'up',
      given: { flags: { backends: '0' } },
      says: /^--backends is "0"; allowed: .* from 1 to 50\.$/,
    },
    {
      title: 'a protocol nobody knows',
      role: 'up',
      given: { flags: { protocol: '4pc' } },
      says: /^--protocol .* 2pc, 3pc, parallel, 3pc-textbook; .*--lab\.$/,
    },
    {
      title: '3PC of the textbook outside the lab',
      role: 'up',
      given: { flags: { protocol: '3pc-textbook' } },
      says: /^protocol\.default is 3pc-textbook, which is unsafe and needs --lab\./,
      code: 'bad-config',
    },
    {
      title: 'an unsafe rule outside the lab',
      role: 'participant',
      given: { flags: { name: 'P1', unsafe: 'roll-back-in-ready' } },
      says: /^--unsafe needs --lab\./,
    },
    {
      title: 'a node nobody knows',
      role: 'up',
      given: { flags: { only: 'P1,sever' } },
      says: /^--only names no node sever; .*Did you mean "server"/,
    },
  ];
  for (const { title, role, given, says, code } of WRONG) {
    it(`refuses ${title}, naming where it stands, in one line with exit code 2`, async () => {
      await inDirectory((directory) => {
        const error = failureOf(() => resolveConfig(role ?? 'server', input(directory, given)));
        expect(error.message).to.match(says);
        expect(error.message).not.to.include('\n');
        expect(error).to.include({ code: code ?? 'usage', exitCode: 2 });
      });
    });
  }

  it('wants to know which participant it is', async () => {
    await inDirectory((directory) => {
      const missing = failureOf(() => resolveConfig('participant', input(directory)));
      expect(missing.message).to.equal('--name is missing; allowed: P1, P2, P3.');
      const stranger = failureOf(() =>
        resolveConfig('participant', input(directory, { flags: { name: 'constructor' } })),
      );
      expect(stranger.message).to.match(/^--name is constructor, which the cluster does not name/);
    });
  });

  it('prints each value with its origin, as columns and as JSON', async () => {
    await inDirectory((directory, write) => {
      const path = write({ ...defaultCluster(), timings: { voteTimeoutMs: 30_000 } });
      const config = resolveConfig('server', input(directory, { flags: { lab: true } }));
      const lines = configLines(config.report).map((line) => line.replaceAll(/ +/g, ' '));
      expect(lines).to.include('lab true flag --lab');
      expect(lines).to.include(`timings.voteTimeoutMs 30000 file ${path} timings.voteTimeoutMs`);
      expect(lines).to.include('timings.leaseMs 1000 default');
      const json = configJson('server', config) as { settings: Record<string, unknown> };
      expect(json.settings['lab']).to.deep.equal({ value: true, from: 'flag', place: '--lab' });
      const printed = lines.map((line) => line.split(' ')[0]);
      expect(printed).to.include.members([...settingsOf('server')]);
    });
  });

  it('names every environment variable after its flag', () => {
    for (const { flag, env } of Object.values(SETTINGS)) {
      expect(env).to.equal(`PARLEY_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`);
    }
  });
});
