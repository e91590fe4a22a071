/**
 * What coordinator and participant share below their loops: the node's
 * directory, the links, the crash points, and the ports that join them to the
 * host. A failed sync ends the process here, at once.
 */
import { randomBytes } from 'node:crypto';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { HostPorts } from '../host/host.ts';
import { openCredentials } from '../net/credentials.ts';
import { PeerLinks } from '../net/peer-links.ts';
import type { PeerLinksOptions } from '../net/peer-options.ts';
import type { Route } from '../net/router.ts';
import { parseMessage } from '../protocol/message-shapes.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { Notice } from '../protocol/node-step.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { CheckpointMoment, NodeDirectory } from '../wal/node-directory.ts';
import { cutPower } from '../wal/power-cut.ts';
import { openNodeDirectory } from '../wal/node-directory.ts';
import type { Checkpoint, DataFileEntry } from '../wal/checkpoint.ts';
import type { ReadData, ScanData } from '../wal/directory-reader.ts';
import type { CoordinatorSettings, ParticipantSettings } from './config.ts';
import { checkpointer } from './checkpointer.ts';
import type { CheckpointParts } from './checkpointer.ts';
import { CrashPoints } from './crash-points.ts';
import { crashPointRoutes } from './crash-point-routes.ts';
import { FaultDesk } from './fault-desk.ts';
import { faultRoutes } from './fault-routes.ts';
import { FramesShown } from './frames-shown.ts';
import { endNow } from './daemon.ts';
import type { DaemonShell } from './daemon.ts';
import { realClock } from './real-clock.ts';
import { standStill } from './stand-still.ts';
import { parleyVersion } from './version.ts';

/** A pause longer than every timeout: of the votes, and of what comes after them. */
const STAND_STILL_TIMEOUTS = 3;

/** The mark of this process among all starts of its log, those that were lost with an older copy included. */
export function newStart(): string {
  return randomBytes(8).toString('hex');
}

/** What a node does with what its log and its links tell. */
export interface DurableNodeOptions {
  readonly settings: CoordinatorSettings | ParticipantSettings;
  /** The mark of this process, from newStart(). */
  readonly start: string;
  readonly shell: DaemonShell;
  /** One record of the log, in order. */
  readonly replay: (record: ProtocolRecord) => void;
  /** The lines of one kind of data file of the checkpoint. */
  readonly onData: (kind: string, line: Json) => void;
  /** Who takes the bytes of a data file, line by line with their offsets, instead; undefined for nobody. */
  readonly onDataBytes?: (entry: DataFileEntry) => ((line: Buffer, offset: number) => void) | undefined;
  /** Everything up to here is synced. */
  readonly onDurable: (seq: number) => void;
  readonly onMessage: (from: NodeName, message: Message) => void;
  readonly onUp: (peer: NodeName) => void;
  readonly onDown: (peer: NodeName) => void;
  /** False: this peer's read lease must run out. */
  readonly echoes: (peer: NodeName) => boolean;
  /** Why a node that dials is not taken, though its credentials are right. */
  readonly objection?: PeerLinksOptions['objection'];
}

/** The open directory and links of a node. */
export interface DurableNode {
  readonly directory: NodeDirectory<ProtocolRecord>;
  readonly links: PeerLinks;
  readonly ports: Pick<HostPorts, 'log' | 'clock' | 'send' | 'drop' | 'notice' | 'fatal' | 'crashPoint'>;
  /** With --lab: the crash points of this process. */
  readonly crashPoints: CrashPoints | undefined;
  /** The fault rules of this node; those of the cluster file are set by setFileFaults(). */
  readonly faults: FaultDesk;
  /** What sets fault rules; with --lab also what arms crash points and counts them. */
  readonly labRoutes: readonly Route[];
  /** Takes a checkpoint when enough records have come since the last; `collect` is called at that moment. */
  readonly checkpointWhenDue: (collect: () => CheckpointParts) => void;
  readonly close: () => Promise<void>;
}

/**
 * Opens the log (start order of docs/log.md), then the links; nothing is sent before setPeers.
 * @throws ParleyError of openNodeDirectory and openCredentials
 */
export async function openDurableNode(options: DurableNodeOptions): Promise<DurableNode> {
  const { settings, shell } = options;
  const { name, role } = settings;
  const credentials = openCredentials(settings.credentialsFile);
  // The cluster file has rules, if only an empty list of them, or this is the lab.
  const isOpen = settings.lab || settings.cluster.faults !== undefined;
  const lab = isOpen ? labPoints(settings) : undefined;
  const crashPoints = lab?.points;
  crashPoints?.pass('start', 'before-force', {});
  const directory = await openNodeDirectory<ProtocolRecord>({
    directory: settings.dataDir,
    name,
    role,
    version: parleyVersion(),
    start: options.start,
    onCheckpoint: (checkpoint, readData, scanData) => readAll(checkpoint, { readData, scanData }, options),
    replay: ({ record }) => options.replay(record),
    onDurable: options.onDurable,
    onFatal: endNow,
    ...(crashPoints === undefined ? {} : syncPoints(crashPoints)),
  });
  if (directory.repairedTail !== undefined) {
    shell.log.warn('torn-tail', 'The end of the log was torn; it was copied aside and cut.', {
      ...directory.repairedTail,
    });
  }
  const shown = settings.showFrames ? new FramesShown(name, shell.narrate) : undefined;
  const links = openLinks(options, { directory, credentials, crashPoints, shown });
  if (lab !== undefined) lab.open = { links, directory };
  const checkpoints = checkpointer(directory, shell.log, settings.checkpointRecords);
  const faults = faultDesk(options, isOpen, directory, crashPoints);
  return {
    directory,
    links,
    ports: {
      log: directory.log,
      clock: realClock,
      send: (to, message) => {
        if (links.send(to, message)) shown?.sent(to, message);
      },
      drop: (peer) => links.drop(peer, 'the protocol asks for it'),
      notice: (one) => tell(shell, one),
      fatal: (code, detail) => endNow(new ParleyError(code, detail)),
      crashPoint: crashPoints?.pass ?? noCrashPoint,
    },
    crashPoints: settings.lab ? crashPoints : undefined,
    faults,
    labRoutes: labRoutes(settings.lab ? crashPoints : undefined, faults),
    checkpointWhenDue: checkpoints.whenDue,
    close: async () => {
      faults.close();
      await links.close();
      // The lock is given back only when nothing of this process writes any more.
      await checkpoints.underWay();
      await directory.close();
    },
  };
}

function tell({ metrics, log }: DaemonShell, { level, event, message, fields }: Notice): void {
  if (level === 'alarm') metrics.count('parley_alarms_total', 'Things that must not happen.', { event });
  log[level === 'alarm' ? 'error' : level](event, message, fields);
}

function faultDesk(
  { settings, shell }: DurableNodeOptions,
  isOpen: boolean,
  directory: NodeDirectory<ProtocolRecord>,
  points: CrashPoints | undefined,
): FaultDesk {
  const { name, role } = settings;
  return new FaultDesk({
    ...{ node: name, role, isOpen, points, log: shell.log },
    epoch: () => directory.epoch,
    // Whoever asked hears of it before, or sees the connection break.
    crashSoon: () => void setImmediate(() => process.kill(process.pid, 'SIGKILL')),
  });
}

function labRoutes(points: CrashPoints | undefined, faults: FaultDesk): readonly Route[] {
  return [...faultRoutes(faults), ...(points === undefined ? [] : crashPointRoutes(points))];
}

/** Sets the rules that the cluster file has for this node, aloud: once it can be asked about them. */
export function setFileFaults(faults: FaultDesk, { cluster, name }: DurableNodeOptions['settings']): void {
  for (const { node, ...rule } of cluster.faults ?? []) if (node === name) faults.add(rule);
}

/** The points, and what they act on once it is there: the first are passed before the log is open. */
function labPoints(settings: DurableNodeOptions['settings']) {
  const { role, crashAt, dataDir, cluster } = settings;
  const lab: { points: CrashPoints; open: Pick<DurableNode, 'links' | 'directory'> | undefined } = {
    open: undefined,
    points: new CrashPoints(role, crashAt, {
      flush: () => lab.open?.links.flush(),
      // Before the log is open there is nothing of this start that anyone was told.
      cutPower: () => lab.open && cutPower(dataDir, lab.open.directory.log.synced),
      standStill: () => standStill(STAND_STILL_TIMEOUTS * cluster.timings.voteTimeoutMs),
    }),
  };
  return lab;
}

/** The log's own moments. */
function syncPoints(points: CrashPoints) {
  const passing = (where: 'written' | 'forced') => (records: readonly { readonly type: string }[]) => {
    for (const record of records) points.pass(record.type, where, record);
  };
  const atCheckpoint = (moment: CheckpointMoment): void => points.pass('checkpoint', moment, {});
  return { beforeSync: passing('written'), afterSync: passing('forced'), atCheckpoint };
}

function noCrashPoint(): void {
  // Without --lab nothing is passed and nothing counted.
}

async function readAll(
  checkpoint: Checkpoint,
  { readData, scanData }: { readonly readData: ReadData; readonly scanData: ScanData },
  { onData, onDataBytes }: Pick<DurableNodeOptions, 'onData' | 'onDataBytes'>,
): Promise<void> {
  for (const entry of checkpoint.dataFiles) {
    const take = onDataBytes?.(entry);
    if (take === undefined) await readData(entry, (line) => onData(entry.kind, line));
    else await scanData(entry, take);
  }
}

function openLinks(
  options: DurableNodeOptions,
  node: {
    readonly directory: NodeDirectory<ProtocolRecord>;
    readonly credentials: ReturnType<typeof openCredentials>;
    readonly crashPoints: CrashPoints | undefined;
    readonly shown: FramesShown | undefined;
  },
): PeerLinks {
  const { settings, shell } = options;
  const { directory, credentials, crashPoints, shown } = node;
  const { heartbeatMs, deadMs, redialMsMax } = settings.cluster.timings;
  return new PeerLinks({
    self: settings.name,
    incarnation: directory.incarnation,
    epoch: directory.epoch,
    timings: { heartbeatMs, deadMs, redialMsMax, connectMs: deadMs },
    authorization: () => credentials.header,
    tls: shell.tls,
    authorize: (header) => credentials.accepts(header),
    now: () => realClock.nowMs(),
    random: () => realClock.random(),
    durableSeq: () => directory.log.durableSeq,
    // The client has its answer already, and who would wait for the locks it frees comes by the same link behind it.
    mayWait: (type) => type === 'commit',
    onMessage: (from, received) => {
      const message = parseMessage(received);
      shown?.received(from, message);
      if (message.type === 'prepare') crashPoints?.learn(message.number, message.id);
      options.onMessage(from, message);
    },
    onUp: (peer) => {
      shell.log.info('link-up', `The link to ${peer} is up.`, { peer });
      options.onUp(peer);
    },
    onDown: (peer, why) => {
      shell.log.info('link-down', `The link to ${peer} is lost: ${why}.`, { peer });
      options.onDown(peer);
    },
    echoes: options.echoes,
    ...(options.objection === undefined ? {} : { objection: options.objection }),
    onNotice: (event, fields) => shell.log.info(event, noticeText(event), fields),
  });
}

function noticeText(event: string): string {
  return event === 'dial-failed' ? 'A peer cannot be reached; it is dialled again.' : 'A peer was refused.';
}
