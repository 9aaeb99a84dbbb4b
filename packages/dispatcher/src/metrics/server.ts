import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NicshareError } from '@nicshare/shm';
import type { ListenAddress } from '../config/listen-address.js';
import type { DispatcherStats } from '../stats.js';
import { contentTypeFor, expose } from './exposition.js';

const PATH = '/metrics';
/** Scrapers are few; more connections are closed at once. */
const MAX_CONNECTIONS = 32;

const inBrackets = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function unusable({ host, port }: ListenAddress, cause: NodeJS.ErrnoException): NicshareError {
  const [why, action] = reason(port, cause);
  const what = `The metrics cannot be served at ${inBrackets(host)}:${port}: ${why}.`;
  return new NicshareError('MetricsUnusable', what, action, { cause });
}

function reason(port: number, { code, message }: NodeJS.ErrnoException): readonly [string, string] {
  switch (code) {
    case 'EADDRINUSE':
      return [
        'somebody listens there already',
        `End that one (ss -ltnp 'sport = :${port}' names it), or set metrics.listen to another port.`,
      ];
    case 'EACCES':
      return ['the port asks for privileges', 'Set metrics.listen to a port from 1024 on.'];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [
        "it is no address of this machine's",
        'Set metrics.listen to one that it has, as 127.0.0.1:9464.',
      ];
    default:
      return [message, 'Set metrics.listen to another address.'];
  }
}

/** Serves a dispatcher's counters to scrapers, at the path /metrics. */
export class MetricsServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.url = `http://${inBrackets(host)}:${(server.address() as AddressInfo).port}${PATH}`;
  }

  /** `stats` is asked once a scrape. Throws NicshareError MetricsUnusable. */
  static listen(address: ListenAddress, stats: () => Promise<DispatcherStats>): Promise<MetricsServer> {
    const server = createServer((request, response) => void answer(request, response, stats));
    server.maxConnections = MAX_CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(unusable(address, error)));
      server.listen(address, () => resolve(new MetricsServer(server, address.host)));
    });
  }

  /** Hangs up on all. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  stats: () => Promise<DispatcherStats>,
): Promise<void> {
  if (url?.split('?', 1)[0] !== PATH) return refuse(response, 404, `Metrics are at ${PATH}.`);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'Ask by GET.');
  }
  try {
    const contentType = contentTypeFor(headers.accept);
    const text = await expose(await stats(), contentType);
    response.setHeader('Content-Type', contentType);
    response.end(text);
  } catch (error) {
    refuse(response, 500, (error as Error).message);
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${why}\n`);
}
