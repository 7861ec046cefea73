/** Follows certificate requests for those who must ask or compute before they can answer one. */
import { certificatesigningrequests } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { CertificateSigningRequest } from '../../api/types/certificates.v1.ts';
import type { Stored } from '../../client/client.ts';
import { WorkQueue } from '../../client/queue.ts';
import type { ControllerTools } from '../controller.ts';

export type StoredRequest = Stored<CertificateSigningRequest>;

const WORKERS = 5;
/** As upstream's: some seconds of patience soon become minutes. */
const REST = { baseMs: 200, limitMs: 1_000_000 };

/** `later`: it may be answered otherwise another time. */
export type Answered = 'later' | void;

export async function followRequests(tools: ControllerTools, signal: AbortSignal, work: (request: StoredRequest) => Promise<Answered>): Promise<void> {
  const informer = tools.informer(certificatesigningrequests);
  const queue = new WorkQueue({
    clock: tools.clock,
    workers: tools.workers ?? WORKERS,
    rest: REST,
    async work(name) {
      const request = informer.cache.get({ name });
      if (!request || signal.aborted || (await work(request)) !== 'later') return;
      queue.retry(name);
      return 'again';
    },
    onError: (name, error, failures) => {
      if (!isReason(error, 'Conflict')) tools.log.warn({ request: name, error: String(error), failures }, 'a certificate request could not be answered');
    },
  });
  const unsubscribe = informer.subscribe(({ type, object }) => {
    if (type !== 'deleted') queue.add(object.metadata.name);
  });
  await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));
  unsubscribe();
  await queue.stop();
}

export function hasCondition(request: StoredRequest, type: 'Approved' | 'Denied' | 'Failed'): boolean {
  return request.status?.conditions?.some((condition) => condition.type === type && condition.status !== 'False') ?? false;
}

/** PEM; undefined where it is none. */
export function requestPem({ spec }: StoredRequest): string | undefined {
  const text = Buffer.from(spec.request, 'base64').toString('utf8');
  return text.includes('-----BEGIN CERTIFICATE REQUEST-----') ? text : undefined;
}
