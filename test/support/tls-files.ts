/** Certificates for tests, made by the script that people use; undefined where there is no openssl. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TlsFiles } from '../../src/net/tls.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'make-ca.mjs');

/** Why tests with certificates cannot run here, or undefined when they can. */
export function withoutOpenssl(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed';
}

/** A CA and a certificate for localhost, 127.0.0.1 and ::1, in `directory`. */
export function makeCertificates(directory: string): TlsFiles {
  execFileSync(process.execPath, [SCRIPT, '--dir', directory], { stdio: 'ignore' });
  return { cert: join(directory, 'node.crt'), key: join(directory, 'node.key'), ca: join(directory, 'ca.crt') };
}

/** The same as flags of a daemon. */
export function tlsFlags({ cert, key, ca }: TlsFiles): readonly string[] {
  return ['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca];
}
