/**
 * `parley up`: the whole cluster as child processes of this one.
 *
 * ```
 *   start all → all ready → table → open accounts → (demo) → wait → stop all, the coordinator last
 * ```
 *
 * It starts nobody again unless `--restart`: a node that dies stays dead, and
 * the command that starts it again is shown. Ctrl-C or SIGTERM stops all
 * gracefully (exit code 0 when that was complete, else 1), a second one kills
 * at once. If this process itself is killed, its children stop by their closed
 * pipes (cluster/parent-watch.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, lineOf, ParleyError } from '../base/errors.ts';
import { Cluster, endedAsAsked } from '../cluster/cluster.ts';
import { readRestartLine } from '../cluster/restart-line.ts';
import { exitText } from '../cluster/spawn.ts';
import { ApiClient } from '../console/api-client.ts';
import { httpTransport } from '../console/http-transport.ts';
import { printable } from '../console/printable.ts';
import { openCredentials } from '../net/credentials.ts';
import { clientTlsFrom } from '../net/tls.ts';
import { daemonArguments, isClusterOfItsOwn, startCommand } from './up-commands.ts';
import { hintRows } from './up-hints.ts';
import { readUpCommands } from './up-console.ts';
import { openAccounts, runDemo } from './up-first-steps.ts';
import { RestartPauses } from './up-restarts.ts';
import { UpScreen } from './up-screen.ts';
import { StopSignals } from './up-signals.ts';
import type { Readable, Writable } from 'node:stream';
import type { ClientTls } from '../net/tls.ts';
import type { DaemonLine } from '../cluster/spawn.ts';
import type { NodeEnd } from '../cluster/cluster-plan.ts';
import type { CommandContext } from './up-commands.ts';
import type { UpSettings } from './config.ts';

/** The world of one `parley up`. */
export interface UpIo {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly errorOutput: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Program and first arguments of a daemon; this installation's `parley` when absent. */
  readonly command?: readonly string[];
}

/** Exit codes of a daemon that say more than "failed", and so become this command's own. */
const TELLING_CODES: readonly number[] = [EXIT.usage, EXIT.log, EXIT.sync, EXIT.busy];
/** Beyond the time the daemons give themselves to stop. */
const STOP_MARGIN_MS = 2000;

/** Runs until told to stop, or until no daemon runs any more; resolves with the exit code. */
export async function runUp(settings: UpSettings, io: UpIo = worldOf(process)): Promise<number> {
  return new Up(settings, io).run();
}

function worldOf({ stdin, stdout, stderr, env }: NodeJS.Process): UpIo {
  return { input: stdin, output: stdout, errorOutput: stderr, env };
}

class Up {
  readonly #settings: UpSettings;
  readonly #io: UpIo;
  readonly #screen: UpScreen;
  readonly #tls: ClientTls | undefined;
  readonly #cluster: Cluster;
  readonly #context: CommandContext;
  /** Aborts when the cluster shall stop. */
  readonly #stop = new AbortController();
  readonly #pauses = new RestartPauses();
  /** Ends before all were ready; undefined from then on. */
  #earlyEnds: NodeEnd[] | undefined = [];
  #restarting = 0;
  /** Nodes that are being started again now. */
  readonly #replacing = new Set<string>();

  constructor(settings: UpSettings, io: UpIo) {
    this.#settings = settings;
    this.#io = io;
    this.#tls = settings.tls && clientTlsFrom(settings.tls.ca);
    const { output, errorOutput, env } = io;
    const colours = output.isTTY === true && (env['NO_COLOR'] ?? '') === '';
    this.#screen = new UpScreen({ output, errorOutput, names: settings.only, colours });
    const isChanged = isClusterOfItsOwn(settings);
    this.#cluster = new Cluster({
      config: settings.cluster,
      configFile: isChanged ? undefined : settings.configFile,
      dataDir: settings.dataDir,
      lab: settings.lab,
      only: settings.only,
      extraArgs: daemonArguments(settings),
      tls: this.#tls,
      command: io.command,
      // A console is attached by flag where a person sits, never to a child.
      env: { ...io.env, PARLEY_CONSOLE: undefined },
      onLine: (line) => this.#onLine(line),
      onEnd: (end) => this.#onEnd(end),
      stopMs: settings.cluster.timings.drainMs + STOP_MARGIN_MS,
    });
    const writtenFile = isChanged ? this.#cluster.writtenConfigFile : undefined;
    this.#context = { settings, writtenFile, addressOf: (name) => this.#cluster.addressIfKnown(name) };
  }

  async run(): Promise<number> {
    const signals = new StopSignals({
      onFirst: (signal) => {
        if (signal === 'SIGHUP') this.#screen.silence();
        this.#stop.abort();
      },
      onSecond: () => void this.#cluster.killAll(),
    });
    const console = this.#io.input.isTTY === true ? this.#attachConsole() : undefined;
    try {
      const failed = await this.#start();
      if (failed === undefined && !this.#stop.signal.aborted) {
        this.#endIfNobodyRuns();
        await this.#orStop(new Promise<never>(() => undefined));
      }
      const complete = await this.#stopAll();
      return failed ?? (complete ? EXIT.ok : EXIT.failed);
    } finally {
      console?.close();
      signals.dispose();
    }
  }

  /** Starts all; the exit code when that failed. */
  async #start(): Promise<number | undefined> {
    const startedAtMs = performance.now();
    const { only, dataDir } = this.#settings;
    this.#screen.say(`starting ${only.join(', ')}; data in ${dataDir}/`);
    try {
      if ((await this.#orStop(this.#cluster.start())) === 'stopped') return undefined;
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.#screen.fault(lineOf(error));
      const code = (error.extra['exit'] as { readonly code?: number | null } | undefined)?.code ?? EXIT.failed;
      return TELLING_CODES.includes(code) ? code : EXIT.failed;
    }
    const early = this.#earlyEnds ?? [];
    this.#earlyEnds = undefined;
    this.#screen.heading(`all ready after ${Math.round(performance.now() - startedAtMs)} ms`);
    this.#showTable();
    for (const end of early) this.#onEnd(end);
    const steps = this.#firstSteps().catch((error: unknown) => {
      if (!(error instanceof ParleyError)) throw error;
      if (!this.#stop.signal.aborted) this.#screen.fault(lineOf(error));
    });
    if ((await this.#orStop(steps)) !== 'stopped') this.#showWhatToTry();
    return undefined;
  }

  async #firstSteps(): Promise<void> {
    const { cluster, demo, credentialsFile } = this.#settings;
    const say = (line: string): void => {
      if (!this.#stop.signal.aborted) this.#screen.say(`  ${printable(line)}`);
    };
    const coordinator = this.#cluster.namesOfRole('coordinator')[0];
    const server = this.#cluster.namesOfRole('server')[0];
    if (coordinator === undefined) return say('no account is opened: --only leaves the coordinator out');
    const headers = { authorization: openCredentials(credentialsFile).header };
    const clients: ApiClient[] = [];
    const clientOf = (name: string): ApiClient => {
      const client = new ApiClient(httpTransport({ ...this.#cluster.address(name), tls: this.#tls }), headers);
      clients.push(client);
      return client;
    };
    this.#screen.heading('first transactions');
    try {
      const steps = { cluster, coordinator: clientOf(coordinator), say };
      await openAccounts(steps);
      if (!demo) return;
      if (server === undefined) return say('no demo: --only leaves the server out');
      await runDemo({ ...steps, server: clientOf(server) });
    } finally {
      for (const client of clients) client.close();
    }
  }

  async #stopAll(): Promise<boolean> {
    const running = this.#cluster.running();
    if (running.length > 0) this.#screen.say('\nstopping all, the coordinator last; once more kills them at once');
    const { complete, nodes } = await this.#cluster.stop();
    for (const stopped of nodes) {
      const { name, exit } = stopped;
      if (!endedAsAsked(stopped)) this.#screen.fault(`${name} did not stop as asked: it ended ${exitText(exit)}`);
    }
    if (complete && running.length > 0) this.#screen.say('all stopped');
    return complete && running.length > 0;
  }

  /** A line for people, unless it is the server that wants a node started again. */
  #onLine(line: DaemonLine): void {
    const wanted = readRestartLine(line, this.#cluster.namesOfRole('server'));
    if (wanted === undefined || !this.#cluster.names.includes(wanted)) return this.#screen.daemonLine(line);
    this.#screen.say(`${line.node} asks to start ${wanted} again`);
    void this.#restart(wanted);
  }

  /** Called for every end of a daemon. One that fails to start is told by start(), which then stops all. */
  #onEnd(end: NodeEnd): void {
    const { name, exit, asked, ranMs } = end;
    if (asked || this.#stop.signal.aborted) return;
    if (this.#earlyEnds !== undefined) return void this.#earlyEnds.push(end);
    const last = exit.signal === null ? this.#cluster.node(name).lastErrorLine : '';
    const said = last === '' ? '' : `; its last line: ${last}`;
    this.#screen.fault(`${name} died ${exitText(exit)} after ${(ranMs / 1000).toFixed(1)} s${said}`);
    if (this.#settings.restart) {
      void this.#startAgain(name, ranMs);
      return;
    }
    this.#screen.say(`start it again: ${startCommand(this.#context, name)}`);
    this.#endIfNobodyRuns();
  }

  async #startAgain(name: string, ranMs: number): Promise<void> {
    const pauseMs = this.#pauses.afterDeath(name, ranMs);
    this.#screen.say(`starting ${name} again in ${pauseMs / 1000} s`);
    this.#restarting += 1;
    const paused = await this.#orStop(delay(pauseMs, undefined, { signal: this.#stop.signal }));
    // Somebody may have had it started meanwhile.
    const isBack = this.#replacing.has(name) || this.#cluster.running().includes(name);
    if (paused !== 'stopped' && !isBack) await this.#restart(name);
    this.#restarting -= 1;
  }

  /** Starts a node again and says how that went; its death, should it die, is told by #onEnd. */
  async #restart(name: string): Promise<void> {
    if (this.#earlyEnds !== undefined) return this.#screen.fault(`${name} is not started again before all were ready`);
    if (this.#replacing.has(name)) return this.#screen.say(`${name} is being started again already`);
    this.#replacing.add(name);
    try {
      const { pid } = await this.#cluster.restart(name);
      this.#screen.say(`${name} runs again: kill -9 ${pid}`);
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (error.code === 'daemon-not-ready' || error.code === 'usage') this.#screen.fault(lineOf(error));
    } finally {
      this.#replacing.delete(name);
    }
  }

  /** Without a person at a terminal nobody could start anything here again. */
  #endIfNobodyRuns(): void {
    if (this.#cluster.running().length > 0 || this.#restarting > 0 || this.#io.input.isTTY === true) return;
    this.#screen.fault('no daemon runs any more');
    this.#stop.abort();
  }

  #attachConsole(): { close: () => void } {
    return readUpCommands(this.#io.input, {
      status: () => this.#showTable(),
      restart: (name) => this.#restart(name),
      kill: async (name) => {
        const exit = await this.#cluster.kill9(name);
        this.#screen.say(`${name} ended ${exitText(exit)}; start it again here: restart ${name}`);
      },
      quit: () => this.#stop.abort(),
      say: (line) => this.#screen.say(line),
      fault: (line) => this.#screen.fault(line),
      names: this.#cluster.names,
    });
  }

  #showTable(): void {
    const running = this.#cluster.running();
    const rows = this.#cluster.names.map((name) => {
      const address = this.#context.addressOf(name);
      const where = address === undefined ? '?' : `${address.host}:${address.port}`;
      const { pid } = this.#cluster.node(name);
      return running.includes(name) ? [name, where, String(pid), `kill -9 ${pid}`] : [name, where, '-', 'not running'];
    });
    this.#screen.table([['node', 'address', 'pid', 'to kill it'], ...rows]);
  }

  #showWhatToTry(): void {
    const server = this.#cluster.namesOfRole('server')[0];
    if (server !== undefined) {
      const { host, port } = this.#cluster.address(server);
      this.#screen.say(`\nserver: ${this.#tls === undefined ? 'http' : 'https'}://${host}:${port}/`);
    }
    const rows = hintRows(this.#context, this.#cluster.names, (name) => this.#cluster.node(name).pid);
    this.#screen.heading('what to try, in another shell');
    this.#screen.table(rows);
    this.#screen.say(`\nCtrl-C stops the cluster${this.#io.input.isTTY === true ? '; or type help' : ''}`);
  }

  /** The result of `work`, or 'stopped' when the cluster shall stop first; what `work` does later is dropped. */
  #orStop<T>(work: Promise<T>): Promise<T | 'stopped'> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const stopped = (): void => resolve('stopped');
      if (signal.aborted) stopped();
      signal.addEventListener('abort', stopped, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
    });
  }
}
