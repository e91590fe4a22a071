/**
 * `npm run ca [-- --dir DIR] [-- --host NAME]…`: a certificate authority of your
 * own and a certificate for the daemons of this machine, by the program openssl.
 *
 *   ca.crt    whom all trust; copy it to every machine and client
 *   ca.key    signs certificates; needed here only, keep it away from daemons
 *   node.crt  for localhost, 127.0.0.1, ::1 and every --host; node.key is its key
 *
 * A CA that is there is kept, and the certificate is made anew: run it again
 * with other hosts, or when a year is over. Keys are readable by you alone.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const CA_DAYS = '3650';
const NODE_DAYS = '397';
/** A name or an address as a certificate can hold it. */
const HOST = /^[A-Za-z0-9*][A-Za-z0-9.*-]{0,252}$/;

function openssl(...args) {
  try {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const isMissing = error.code === 'ENOENT';
    fail(isMissing ? 'the program openssl is missing; install it' : `openssl ${args[0]} failed: ${error.stderr}`);
  }
}

function fail(why, exitCode = 1) {
  process.stderr.write(`ca: ${why}\n`);
  process.exit(exitCode);
}

function options() {
  try {
    const { values } = parseArgs({
      options: { dir: { type: 'string', default: join('.parley', 'tls') }, host: { type: 'string', multiple: true } },
    });
    return { dir: values.dir, hosts: ['localhost', '127.0.0.1', '::1', ...(values.host ?? [])] };
  } catch (error) {
    return fail(`${error.message}; usage: npm run ca -- [--dir DIR] [--host NAME]…`, 2);
  }
}

const { dir, hosts } = options();
const odd = hosts.find((host) => isIP(host) === 0 && !HOST.test(host));
if (odd !== undefined) fail(`--host ${JSON.stringify(odd)} is no name and no address`, 2);

// Every file is made unreadable to others from its first byte.
process.umask(0o077);
mkdirSync(dir, { recursive: true, mode: 0o700 });
const at = (name) => join(dir, name);
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const isNew = !existsSync(at('ca.key')) || !existsSync(at('ca.crt'));
if (isNew) {
  const extensions = ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign'];
  const files = ['-keyout', at('ca.key'), '-out', at('ca.crt')];
  const subject = ['-subj', '/CN=Parley local CA', ...extensions.flatMap((text) => ['-addext', text])];
  openssl('req', '-x509', ...newKey, '-days', CA_DAYS, ...files, ...subject);
}
const names = hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join(',');
writeFileSync(
  at('node.ext'),
  `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n` +
    `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`,
);
openssl('req', ...newKey, '-keyout', at('node.key'), '-out', at('node.csr'), '-subj', '/CN=Parley node');
const signing = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-set_serial', `0x${serial()}`, '-days', NODE_DAYS];
openssl('x509', '-req', '-in', at('node.csr'), '-out', at('node.crt'), ...signing, '-extfile', at('node.ext'));
for (const name of ['node.ext', 'node.csr']) rmSync(at(name));
for (const name of ['ca.crt', 'node.crt']) chmodSync(at(name), 0o644);
process.stdout.write(
  `${isNew ? 'made' : 'kept'} ${at('ca.crt')}\nmade ${at('node.crt')} for ${hosts.join(', ')}\n` +
    `give every daemon: --tls-cert ${at('node.crt')} --tls-key ${at('node.key')} --tls-ca ${at('ca.crt')}\n` +
    `and every console: --tls-ca ${at('ca.crt')}\n`,
);

/** 16 octets by chance, the first bit 0 and the second 1: positive, and of full length (RFC 5280 §4.1.2.2). */
function serial() {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return octets.toString('hex');
}
