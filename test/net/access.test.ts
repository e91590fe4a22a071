/** Who may send what: every access × listener × client × credentials, as a table of our own. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { guarded } from '../../src/net/access.ts';
import { credentialsOf } from '../../src/net/credentials.ts';
import { Request } from '../../src/net/request.ts';
import { json } from '../../src/net/router.ts';
import type { Access } from '../../src/net/router.ts';
import type { RequestHead } from '../../src/wire/frame.ts';

const credentials = credentialsOf('k'.repeat(43));
const OURS = credentials.header;
const OTHERS = `Parley ${'x'.repeat(43)}`;

interface Asked {
  readonly access?: Access;
  readonly isExposed?: boolean;
  readonly localClients?: boolean;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status of one request, and the code of a refusal. */
function asked({ access, isExposed = false, localClients = false, method = 'POST', headers = {} }: Asked): string {
  const open = { method, path: '/x', ...(access && { access }), handler: () => json(200, {}) };
  const [route] = guarded([open], { credentials, isExposed, localClients });
  const head: RequestHead = {
    method,
    target: '/x',
    path: '/x',
    query: '',
    minor: 1,
    headers: { host: '127.0.0.1:7000', ...headers },
  };
  const parts = { body: Buffer.alloc(0), remoteAddress: '127.0.0.1', onClose: () => undefined };
  try {
    const answer = route?.handler(new Request({ head, ...parts }));
    return answer === undefined || answer instanceof Promise ? 'none' : String(answer.status);
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

describe('the access of a route', () => {
  const table: readonly (readonly [what: string, asked: Asked, status: string])[] = [
    ['public is for anyone', { access: 'public', isExposed: true }, '200'],
    ['public does not even look at credentials', { access: 'public', headers: { authorization: OTHERS } }, '200'],
    ['no word means local: anyone on loopback', {}, '200'],
    ['local on another address needs credentials', { access: 'local', isExposed: true }, '401 unauthorized'],
    ['local on another address takes them', { isExposed: true, headers: { authorization: OURS } }, '200'],
    ['node needs credentials on loopback', { access: 'node' }, '401 unauthorized'],
    ['node takes them', { access: 'node', headers: { authorization: OURS } }, '200'],
    [
      'node takes them with the scheme in any case',
      { access: 'node', headers: { authorization: `PARLEY ${OURS.slice(7)}` } },
      '200',
    ],
    ['node takes no others', { access: 'node', headers: { authorization: OTHERS } }, '403 forbidden'],
    ['node takes no part of a key', { access: 'node', headers: { authorization: OURS.slice(0, -1) } }, '403 forbidden'],
    ['node takes no empty key', { access: 'node', headers: { authorization: 'Parley' } }, '403 forbidden'],
    [
      'another scheme is no credentials',
      { access: 'node', headers: { authorization: 'Basic YTpi' } },
      '401 unauthorized',
    ],
    ['local clients need none', { access: 'node', localClients: true }, '200'],
    [
      'local clients with the credentials of another cluster hear of it',
      { access: 'node', localClients: true, headers: { authorization: OTHERS } },
      '403 forbidden',
    ],
    [
      'there are no local clients on another address',
      { access: 'node', localClients: true, isExposed: true },
      '401 unauthorized',
    ],
    [
      'a page of elsewhere is refused where local clients are not',
      { access: 'node', localClients: true, headers: { origin: 'https://evil.example' } },
      '403 forbidden',
    ],
    [
      'a page without an origin of its own too',
      { access: 'node', localClients: true, headers: { origin: 'null' } },
      '403 forbidden',
    ],
    [
      'a name that was bent to this machine helps no page',
      {
        access: 'node',
        localClients: true,
        headers: { origin: 'http://evil.example:7000', host: 'evil.example:7000' },
      },
      '403 forbidden',
    ],
    [
      'a page that begins as this machine does is not of it',
      { access: 'node', localClients: true, headers: { origin: 'http://127.0.0.1.evil.example' } },
      '403 forbidden',
    ],
    [
      'a page of this machine is a local client',
      { access: 'node', localClients: true, headers: { origin: 'http://localhost:5173' } },
      '200',
    ],
    [
      'a page of elsewhere changes nothing at the front door',
      { headers: { origin: 'https://evil.example' } },
      '403 forbidden',
    ],
    [
      'the front door behind a proxy knows its own pages',
      { headers: { origin: 'https://bank.example', host: 'bank.example' } },
      '200',
    ],
    ['a page may read what it can', { method: 'GET', headers: { origin: 'https://evil.example' } }, '200'],
    [
      'credentials win over the page',
      { access: 'node', headers: { origin: 'https://evil.example', authorization: OURS } },
      '200',
    ],
  ];

  for (const [what, request, status] of table) it(`${what}: ${status}`, () => expect(asked(request)).to.equal(status));

  it('is told without a word of the key that was shown', () => {
    const open = { method: 'POST', path: '/x', handler: () => json(200, {}) } as const;
    const [route] = guarded([open], { credentials, isExposed: true, localClients: false });
    const head: RequestHead = {
      method: 'POST',
      target: '/x',
      path: '/x',
      query: '',
      minor: 1,
      headers: { host: 'h', authorization: OTHERS },
    };
    const parts = { body: Buffer.alloc(0), remoteAddress: '127.0.0.1', onClose: () => undefined };
    expect(() => route?.handler(new Request({ head, ...parts })))
      .to.throw(ParleyError)
      .with.property('message')
      .that.does.not.include('xxxx');
  });
});
