/**
 * The daemons behind a server: one HTTP client per address, with the cluster's
 * credentials. A definite refusal of those credentials is this server's own
 * trouble, so its clients hear `busy`, not `unauthorized`.
 */
import { ParleyError } from '../base/errors.ts';
import type { Json } from '../base/canonical-json.ts';
import { errorOfAnswer } from '../net/answer-error.ts';
import { HttpClient } from '../net/http-client.ts';
import type { ClientTls } from '../net/tls.ts';
import type { ClientRequest, ClientStreamRequest } from '../net/http-client.ts';

/** Addresses a cluster shows in its life; beyond it the oldest client is closed. */
const CLIENTS_MAX = 256;

/** An answer 2xx. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly body: Json;
}

/** See the header. */
export class Upstream {
  readonly #authorization: string;
  readonly #tls: ClientTls | undefined;
  readonly #clients = new Map<string, HttpClient>();

  /**
   * @param authorization value of the header of that name
   * @param tls absent: plain TCP
   */
  constructor(authorization: string, tls?: ClientTls) {
    this.#authorization = authorization;
    this.#tls = tls;
  }

  /**
   * One request to `host:port`.
   * @throws ParleyError of the client (`unreachable`, `connection-lost`, `timeout`), or the error the daemon answered with
   */
  async request(address: string, request: ClientRequest): Promise<UpstreamAnswer> {
    const answer = await this.#client(address).request(request);
    if (answer.status < 200 || answer.status > 299) throw own(address, errorOfAnswer(answer.status, answer.body));
    return { status: answer.status, body: answer.json() };
  }

  /** Lines as they come. @throws ParleyError as request() */
  async stream(address: string, request: ClientStreamRequest): Promise<void> {
    try {
      await this.#client(address).stream(request);
    } catch (error) {
      throw error instanceof ParleyError ? own(address, error) : error;
    }
  }

  /** Cuts everything that is under way. */
  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  #client(address: string): HttpClient {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const [oldest] = this.#clients.keys();
    if (oldest !== undefined && this.#clients.size >= CLIENTS_MAX) {
      this.#clients.get(oldest)?.close();
      this.#clients.delete(oldest);
    }
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    const headers = { Authorization: this.#authorization };
    const client = new HttpClient({ host, port: Number(address.slice(colon + 1)), headers, tls: this.#tls });
    this.#clients.set(address, client);
    return client;
  }
}

function own(address: string, error: ParleyError): ParleyError {
  if (error.code !== 'unauthorized' && error.code !== 'forbidden') return error;
  const detail = `The daemon at ${address} refuses the credentials of this server.`;
  return new ParleyError('busy', detail, { cause: error, remedy: 'Give the server the credentials of this cluster.' });
}
