/** Asks another server to review something: JSON over one kept connection, tried again where that may help. Provenance: pkg/util/webhook of apiserver v0.36. */
import { sleep, type Clock } from '../../std/clock.ts';
import { request as plainRequest } from '../../std/plain-http.ts';
import { openAgent, request as secureRequest } from '../../std/secure-http.ts';
import { networkProblem } from '../../std/network-problem.ts';
import { trusting } from '../../std/trusting.ts';

/** How a webhook is reached, as a kubeconfig says. */
export interface WebhookConnection {
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

export interface ReviewClient {
  /** The answer's status. Rejects with what went wrong at last. */
  ask(review: object): Promise<Record<string, unknown>>;
  close(): void;
}

const RETRY = { firstMs: 500, factor: 1.5, attempts: 5 };
const ANSWER_LIMIT_BYTES = 1024 * 1024;

export function createReviewClient({ server, ca, cert, key, serverName, insecureSkipTlsVerify, token }: WebhookConnection, { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number }): ReviewClient {
  const url = new URL(server);
  const agent = openAgent({ keepAlive: true, ...trusting(ca), ...(cert && { cert }), ...(key && { key }), ...(serverName && { servername: serverName }), ...(insecureSkipTlsVerify && { rejectUnauthorized: false }) });

  function post(body: string): Promise<Record<string, unknown>> {
    const abort = new AbortController();
    const timer = clock.after(timeoutMs, () => abort.abort());
    const failed = (why: string, again: boolean): Error => Object.assign(new Error(why), { again });
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body), ...(token && { authorization: `Bearer ${token}` }) };
      const options = { method: 'POST', headers, signal: abort.signal };
      const outgoing = url.protocol === 'https:' ? secureRequest(url, { ...options, agent }) : plainRequest(url, options);
      outgoing.on('error', (error) => reject(failed(`Post ${JSON.stringify(server)}: ${abort.signal.aborted ? 'context deadline exceeded' : networkProblem(error, clock.now())}`, !abort.signal.aborted)));
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          if ((size += chunk.length) > ANSWER_LIMIT_BYTES) response.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        response.on('error', (error) => reject(failed(error.message, false)));
        response.on('end', () => {
          const code = response.statusCode ?? 0;
          if (code < 200 || code > 299) return reject(failed(`webhook answered with status ${code}`, code === 429 || code >= 500));
          try {
            resolve((JSON.parse(Buffer.concat(chunks).toString()) as { status?: Record<string, unknown> }).status ?? {});
          } catch (error) {
            reject(failed((error as Error).message, false));
          }
        });
      });
      outgoing.end(body);
    }).finally(() => timer.cancel());
  }

  return {
    async ask(review) {
      const body = JSON.stringify(review);
      let waitMs = RETRY.firstMs;
      for (let attempt = 1; ; attempt++) {
        try {
          return await post(body);
        } catch (error) {
          if (attempt === RETRY.attempts || !(error as { again?: boolean }).again) throw error;
        }
        await sleep(clock, waitMs);
        waitMs *= RETRY.factor;
      }
    },
    // Questions under way are answered; what is idle goes now, the rest when the other side lets go.
    close: () => Object.values(agent.freeSockets).forEach((sockets) => sockets?.forEach((socket) => socket.destroy())),
  };
}
