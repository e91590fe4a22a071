/** The consoles' Transport over Parley's own HTTP client. */
import { HttpClient } from '../net/http-client.ts';
import type { ClientTls } from '../net/tls.ts';
import type { Transport } from './api-client.ts';

/** A transport to the daemon at an address, by TLS where it says whom to trust; it connects with the first request. */
export function httpTransport(address: {
  readonly host: string;
  readonly port: number;
  readonly tls?: ClientTls | undefined;
}): Transport {
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
