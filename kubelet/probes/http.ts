/** A probe that asks for a page: 2xx and 3xx are success, redirects are followed on the same host only. */
import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from '../../std/plain-http.ts';
import { request as requestHttps } from '../../std/secure-http.ts';
import { OUTPUT_LIMIT_BYTES, type ProbeOutcome } from './outcome.ts';
import { connectionProblem } from './tcp.ts';

export interface HttpProbe {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
}

/** Lines may end without a carriage return, as those of many a script do. */
const LENIENT = { insecureHTTPParser: true };
const REDIRECT_LIMIT = 10;
const USER_AGENT = 'kube-probe/1.36';

export async function probeHttp(probe: HttpProbe): Promise<ProbeOutcome> {
  const host = probe.host.includes(':') ? `[${probe.host}]` : probe.host;
  const first = new URL(`${probe.scheme}://${host}:${probe.port}${probe.path.startsWith('/') ? '' : '/'}${probe.path}`);
  const signal = AbortSignal.timeout(probe.timeoutMs);
  let url = first;
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location, body } = await get(url, probe, signal);
      if (status >= 300 && status < 400 && location) {
        const next = new URL(location, url);
        if (next.hostname !== first.hostname) return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
        if (redirects >= REDIRECT_LIMIT) return { result: 'failure', output: `Get ${JSON.stringify(next.href)}: stopped after ${REDIRECT_LIMIT} redirects` };
        url = next;
        continue;
      }
      if (status >= 200 && status < 400) return { result: 'success', output: body };
      return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (error) {
    const problem = error as Error & { code?: string };
    const timedOut = problem.code === 'ABORT_ERR' || signal.aborted;
    const why = timedOut
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : problem.code?.startsWith('E')
        ? `dial tcp ${host}:${probe.port}: ${connectionProblem(problem)}`
        : problem.message;
    return { result: 'failure', output: `Get ${JSON.stringify(url.href)}: ${why}` };
  }
}

function get(url: URL, probe: HttpProbe, signal: AbortSignal): Promise<{ status: number; location: string | undefined; body: string }> {
  const headers: Record<string, string | string[]> = { 'User-Agent': USER_AGENT, Accept: '*/*', Connection: 'close' };
  for (const { name, value } of probe.headers) {
    const known = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
    if (known && known !== name) delete headers[known];
    const present = known === name && !['User-Agent', 'Accept', 'Connection'].includes(name) ? headers[name] : undefined;
    headers[name] = present === undefined ? value : [...(Array.isArray(present) ? present : [present]), value];
  }
  return new Promise((resolve, reject) => {
    const received = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        if (size < OUTPUT_LIMIT_BYTES) chunks.push(chunk.subarray(0, OUTPUT_LIMIT_BYTES - size));
        size += chunk.length;
        if (size >= OUTPUT_LIMIT_BYTES) done();
      });
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: Buffer.concat(chunks).toString() });
        response.destroy();
      };
      response.on('end', done);
      response.on('error', reject);
    };
    // Containers' certificates are their own matter.
    const options = { headers, signal, agent: false, ...LENIENT } as const;
    const asking = url.protocol === 'https:' ? requestHttps(url, { ...options, rejectUnauthorized: false }, received) : requestHttp(url, options, received);
    asking.on('error', reject);
    asking.end();
  });
}
