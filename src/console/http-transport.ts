/** The consoles' Transport over Parley's own HTTP client. */
import { HttpClient } from '../net/http-client.ts';
import type { Transport } from './api-client.ts';

/** A transport to the daemon at an address; it connects with the first request. */
export function httpTransport(address: { readonly host: string; readonly port: number }): Transport {
  const client = new HttpClient(address);
  return {
    request: async (request) => {
      const { status, headers, body } = await client.request(request);
      return { status, headers, text: body.toString('utf8') };
    },
    stream: (request, onLine) => client.stream({ ...request, onLine }),
    close: () => client.close(),
  };
}
