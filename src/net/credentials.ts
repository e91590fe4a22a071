/**
 * The credentials of a cluster: one secret key in one file, shared by its
 * nodes, shown as `Authorization: Parley <key>`.
 *
 * The file is made once, by whichever daemon comes first. Two that start at
 * the same moment end with the same key: each writes a whole temporary file
 * and hard-links it to the name; link(2) refuses an existing name, so one
 * wins, and nobody ever reads half a key. The key never appears in an error.
 *
 * ```
 *   .parley/             0700
 *   .parley/cluster.key  0600   32 random bytes, base64url, LF
 * ```
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  existsSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ParleyError } from '../base/errors.ts';

/** Where the key is when no `--credentials FILE` is given, relative to the working directory. */
export const DEFAULT_CREDENTIALS_FILE = '.parley/cluster.key';

const KEY_BYTES = 32;
/** A key somebody else made is welcome if it is long enough to be one (192 bits or more) and fits a header (token68 of RFC 9110 §11.2). */
const KEY = /^[A-Za-z0-9._~+/-]{32,256}={0,2}$/;
/** More than any key: a wrong path to a huge file is refused before it is read. */
const FILE_BYTES_MAX = 4096;
/** The scheme's name is case-insensitive (RFC 9110 §11.1). */
const HEADER = /^parley +(\S+) *$/i;

/** What a daemon shows, and how it judges what it is shown. */
export interface Credentials {
  readonly key: string;
  /** Value of the Authorization header: `Parley <key>`. */
  readonly header: string;
  /** True for an Authorization header with this key; the time it takes does not tell how much of a wrong key was right. */
  accepts(header: string | undefined): boolean;
}

/**
 * The cluster's credentials from `file`, which is made, with its directory, if
 * it is not there.
 * @throws ParleyError `bad-config`: unreadable, empty, no key in it, open to
 *   other users, or impossible to make
 */
export function openCredentials(file: string = DEFAULT_CREDENTIALS_FILE): Credentials {
  let key = readKey(file);
  if (key === undefined) {
    makeKey(file);
    key = readKey(file);
  }
  if (key === undefined)
    throw new ParleyError('bad-config', `The credentials file ${file} vanished while it was made.`);
  return credentialsOf(key);
}

/** Credentials from a key that is already known, for tests and programs without a file. */
export function credentialsOf(key: string): Credentials {
  const expected = fingerprint(key);
  return {
    key,
    header: `Parley ${key}`,
    accepts(header) {
      const shown = HEADER.exec(header ?? '')?.[1];
      return shown !== undefined && timingSafeEqual(fingerprint(shown), expected);
    },
  };
}

/** Equal lengths for timingSafeEqual, whatever was shown. */
function fingerprint(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The key in the file, or undefined when there is no file. */
function readKey(file: string): string | undefined {
  let descriptor: number;
  try {
    // Non-blocking, so that a pipe of this name is refused below instead of waited for.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unusable(file, 'cannot be read', cause, 'Make it readable by this user only (chmod 600).');
  }
  try {
    return checkedKey(file, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Judges the open file itself, so that what is judged is what is read. */
function checkedKey(file: string, descriptor: number): string {
  const { mode, size } = statOf(file, descriptor);
  // Windows reports made-up permission bits.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw unusable(file, `is open to other users (mode ${octal})`, undefined, `Run: chmod 600 ${file}`);
  }
  if (size > FILE_BYTES_MAX) throw unusable(file, `is no key: it has ${size} bytes`, undefined, NEW_KEY);
  const text = readFileSync(descriptor, 'latin1').trim();
  if (text === '') throw unusable(file, 'is empty', undefined, NEW_KEY);
  if (!KEY.test(text)) throw unusable(file, 'holds no key of 32 to 256 characters', undefined, NEW_KEY);
  return text;
}

function statOf(file: string, descriptor: number): { mode: number; size: number } {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) throw unusable(file, 'is not a regular file', undefined, 'Give another --credentials FILE.');
  return { mode: stat.mode, size: stat.size };
}

const NEW_KEY = 'Copy it from another node of the cluster, or remove it on all nodes so that a new one is made.';

/** `mkdir -p`. Node's own, `recursive: true`, never returns where the system answers ENOENT all the same, as below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    // Another daemon that starts in the same moment may have made it.
    if (codeOf(cause) !== 'EEXIST') throw cause;
  }
}

/** Puts a new key under the name, unless another process was first: then theirs stays. */
function makeKey(file: string): void {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.new`;
  try {
    makeDirectory(dirname(file));
    writeWhole(temporary, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
    try {
      linkSync(temporary, file);
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause;
    } finally {
      unlinkSync(temporary);
    }
    syncDirectory(dirname(file));
  } catch (cause) {
    throw unusable(file, 'cannot be made', cause, 'Give a --credentials FILE in a directory this user can write.');
  }
}

function writeWhole(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    // The mode above passes through the umask, this one does not.
    fchmodSync(descriptor, 0o600);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Without it a power cut may take the name back, and the next start would make another key. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

function unusable(file: string, what: string, cause: unknown, remedy: string): ParleyError {
  const code = codeOf(cause);
  const detail = `The credentials file ${file} ${what}${code === undefined ? '' : ` (${code})`}.`;
  return new ParleyError('bad-config', detail, { cause, remedy });
}
