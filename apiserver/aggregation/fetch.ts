/** Documents of aggregated APIs that this server reads for itself: within a time, up to a size, as the aggregator. */
import type { Clock } from '../../std/clock.ts';
import type { UserInfo } from '../auth/auth.ts';
import type { Remote } from './remote.ts';
import type { Endpoint } from './service-address.ts';

export interface Fetched {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

export const AGGREGATOR: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };
const LIMIT_MS = 5_000;
const LIMIT_BYTES = 32 * 1024 * 1024;

export interface Fetching {
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly user?: UserInfo;
}

export async function fetchFrom(remote: Remote, clock: Clock, { path, headers = {}, user = AGGREGATOR }: Fetching, endpoint: Endpoint = remote.endpoint()): Promise<Fetched> {
  const abort = new AbortController();
  const timer = clock.after(LIMIT_MS, () => abort.abort());
  try {
    const response = await remote.send(endpoint, { method: 'GET', path, headers, user, signal: abort.signal });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if ((size += chunk.length) > LIMIT_BYTES) throw new Error(`the document has more than ${LIMIT_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { code: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) };
  } catch (error) {
    if (abort.signal.aborted) throw new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)', { cause: error });
    throw error;
  } finally {
    timer.cancel();
  }
}
