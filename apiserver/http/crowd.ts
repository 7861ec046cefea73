/** The connections of one listener: how many there are, what they ask, and sending some of those that ask to whoever else listens there. */
import type { ServerResponse } from 'node:http';
import type { Http2Session } from 'node:http2';

export interface Load {
  readonly connections: number;
  /** Requests since the listener was opened. */
  readonly requests: number;
  /** Watches and the like that are open. */
  readonly lasting: number;
}

export class Crowd {
  readonly #connections: ReadonlySet<unknown>;
  readonly #open: ReadonlySet<{ readonly longRunning: boolean }>;
  #requests = 0;
  #leaving = 0;

  constructor(connections: ReadonlySet<unknown>, open: ReadonlySet<{ readonly longRunning: boolean }>) {
    this.#connections = connections;
    this.#open = open;
  }

  load(): Load {
    let lasting = 0;
    for (const { longRunning } of this.#open) if (longRunning) lasting++;
    return { connections: this.#connections.size, requests: this.#requests, lasting };
  }

  /** So large a part of the connections is to go elsewhere: each with the answer to its next request, and what lasts goes on. Those that ask most go first; the last one stays. */
  shed(share: number): void {
    this.#leaving = Math.min(Math.floor(this.#connections.size * share), this.#connections.size - 1);
  }

  /** Called with every request before it is answered; `session` where it came over HTTP/2. */
  met(session: Http2Session | undefined, response: Pick<ServerResponse, 'shouldKeepAlive'>): void {
    this.#requests++;
    if (this.#leaving <= 0) return;
    if (session ? session.closed : !response.shouldKeepAlive) return;
    this.#leaving--;
    if (session) session.close();
    else response.shouldKeepAlive = false;
  }
}
