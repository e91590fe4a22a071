/**
 * What a daemon must have before others can reach it: TLS and the credentials
 * of the cluster. Without them it listens on loopback only, or not at all; and
 * without TLS it shows the key to nobody on another machine.
 */
import { isLoopback, readPath } from './config-table.ts';
import type { TlsFiles } from '../net/tls.ts';
import type { Address } from './config.ts';
import type { SettingsSource } from './config-source.ts';

const TLS_KEYS = { cert: 'tlsCert', key: 'tlsKey', ca: 'tlsCa' } as const;
/** How `config print` shows that there is no TLS. */
const NO_FILE = '(none)';
/** Listens on every address, and so is none that could be dialled. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

/** The three files, or no member for plain TCP. @throws ParleyError when some of them are given, and not all */
export function tlsFiles(source: SettingsSource): { readonly tls?: TlsFiles } {
  const given = { cert: tlsFile(source, 'cert'), key: tlsFile(source, 'key'), ca: tlsFile(source, 'ca') };
  const { cert, key, ca } = given;
  if (cert !== undefined && key !== undefined && ca !== undefined) return { tls: { cert, key, ca } };
  const present = (Object.keys(TLS_KEYS) as (keyof TlsFiles)[]).find((name) => given[name] !== undefined);
  if (present === undefined) return {};
  throw source.fault(
    TLS_KEYS[present],
    'needs --tls-cert, --tls-key and --tls-ca beside it.',
    'Give all three, or none.',
  );
}

function tlsFile(source: SettingsSource, name: keyof TlsFiles): string | undefined {
  const listed = source.cluster.tls?.[name];
  const fallback = listed === undefined ? { value: NO_FILE } : { value: listed, key: `tls.${name}` };
  const file = source.value(TLS_KEYS[name], readPath, fallback);
  return file === NO_FILE ? undefined : file;
}

/**
 * Protected mode.
 * @throws ParleyError `usage` or `bad-config`: others can reach `host`, and something is missing for that
 */
export function refuseUnprotected(source: SettingsSource, host: string, tls: TlsFiles | undefined): void {
  if (isLoopback(host)) return;
  const missing = [
    ...(tls === undefined ? ['TLS (--tls-cert, --tls-key, --tls-ca)'] : []),
    // The default file may have been made here a moment ago, and be known to nobody else.
    ...(source.has('credentials') ? [] : ['the credentials of the cluster (--credentials FILE)']),
  ];
  if (missing.length > 0) {
    const why = `is ${host}, which others can reach; for that it lacks ${missing.join(' and ')}.`;
    throw source.fault('host', why, 'Give them, or listen on 127.0.0.1, ::1 or localhost.');
  }
  const isTold = source.role === 'server' || source.has('advertise');
  if (WILDCARDS.includes(host) && !isTold) {
    throw source.fault(
      'host',
      `is ${host}, which nobody can dial.`,
      'Add --advertise host:port, by which others reach it.',
    );
  }
}

/**
 * The key is shown to the coordinator with every dial and request.
 * @throws ParleyError `usage` or `bad-config`: it is on another machine, and nothing hides the key on the way
 */
export function refuseClearKey(source: SettingsSource, { host }: Address, tls: TlsFiles | undefined): void {
  if (tls !== undefined || isLoopback(host)) return;
  throw source.fault(
    'coordinator',
    `is on ${host}, to which the key of the cluster would go in the clear.`,
    'Give --tls-cert, --tls-key and --tls-ca, or a coordinator of this machine.',
  );
}
