/** From method and path to a handler, and what is answered when there is none. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { Request } from '../../src/net/request.ts';
import { json, Router, text } from '../../src/net/router.ts';
import type { Handler, Response } from '../../src/net/router.ts';

function request(method: string, target: string, body = ''): Request {
  const [path = '', query = ''] = target.split('?');
  return new Request({
    head: { method, target, path, query, minor: 1, headers: { host: 'h' } },
    body: Buffer.from(body),
    remoteAddress: '127.0.0.1',
    onClose: () => undefined,
  });
}

const show =
  (name: string): Handler =>
  ({ params }) =>
    text(200, `${name} ${JSON.stringify(params)}`);

const ROUTER = new Router([
  { method: 'GET', path: '/', handler: show('root') },
  { method: 'GET', path: '/accounts/:account', handler: show('account') },
  { method: 'PUT', path: '/accounts/:account', handler: show('put') },
  { method: 'GET', path: '/accounts/total', handler: show('total') },
  { method: 'GET', path: '/accounts/:account/lines/:line', handler: show('line') },
  { method: 'POST', path: '/accounts', handler: (asked) => json(201, { got: asked.json(), q: asked.query.get('q') }) },
]);

/** The answer, or the code of what is thrown with its Allow. */
async function answer(method: string, target: string, body?: string): Promise<unknown> {
  try {
    const response: Response = await ROUTER.handle(request(method, target, body));
    return response.status === 204 ? [204, response.headers?.['Allow']] : response.body;
  } catch (error) {
    return error instanceof ParleyError ? [error.code, error.extra['allow']] : error;
  }
}

describe('The router', () => {
  for (const [method, target, wanted] of [
    ['GET', '/', 'root {}'],
    ['GET', '/accounts/7', 'account {"account":"7"}'],
    ['GET', '/accounts/total', 'total {}'],
    ['GET', '/accounts/total/lines/2', 'line {"account":"total","line":"2"}'],
    ['GET', '/accounts/a%20b%2Fc', 'account {"account":"a b/c"}'],
    ['PUT', '/accounts/__proto__', 'put {"account":"__proto__"}'],
    ['HEAD', '/accounts/7', 'account {"account":"7"}'],
    ['GET', '/accounts/', ['not-found', undefined]],
    ['GET', '/accounts/7/', ['not-found', undefined]],
    ['GET', '//', ['not-found', undefined]],
    ['GET', '/accounts/%zz', ['not-found', undefined]],
    ['GET', '/accounts/%c0%ae', ['not-found', undefined]],
    ['GET', '/Accounts/7', ['not-found', undefined]],
    ['OPTIONS', '/nowhere', ['not-found', undefined]],
    ['DELETE', '/accounts/7', ['method-not-allowed', 'GET, PUT, HEAD, OPTIONS']],
    ['GET', '/accounts', ['method-not-allowed', 'POST, OPTIONS']],
    ['HEAD', '/accounts', ['method-not-allowed', 'POST, OPTIONS']],
    ['OPTIONS', '/accounts', [204, 'POST, OPTIONS']],
    ['OPTIONS', '*', [204, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']],
    ['TRACE', '/', ['method-unknown', undefined]],
    ['CONNECT', '', ['method-unknown', undefined]],
    ['get', '/', ['method-unknown', undefined]],
    ['MKCOL', '/nowhere', ['method-unknown', undefined]],
  ] as const) {
    it(`answers ${method} ${target} with ${JSON.stringify(wanted)}`, async () => {
      expect(await answer(method, target)).to.deep.equal(wanted);
    });
  }

  it('hands the query and the exact JSON of the body to the handler', async () => {
    expect(await answer('POST', '/accounts?q=%C3%BC', '{"a":1}')).to.equal('{"got":{"a":1},"q":"ü"}');
    expect(await answer('POST', '/accounts', '{"a":9007199254740993}')).to.deep.equal(['inexact-number', undefined]);
    expect(await answer('POST', '/accounts', '{')).to.deep.equal(['malformed-json', undefined]);
  });

  it('refuses two rows for the same request', () => {
    const handler = show('x');
    const twice = [
      { method: 'GET', path: '/a/:b', handler },
      { method: 'GET', path: '/a/:b', handler },
    ] as const;
    expect(() => new Router(twice)).to.throw('two routes');
    const names = [
      { method: 'GET', path: '/a/:b', handler },
      { method: 'PUT', path: '/a/:c', handler },
    ] as const;
    expect(() => new Router(names)).to.throw('same place');
  });
});
