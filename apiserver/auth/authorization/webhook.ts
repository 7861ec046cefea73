/** Asks another server whether somebody may: SubjectAccessReviews, answers kept for a while, a stated policy for when it fails. Provenance: plugin/pkg/authorizer/webhook of apiserver v0.36. */
import { Agent, request as secureRequest } from 'node:https';
import { request as plainRequest } from 'node:http';
import { sleep, type Clock } from '../../../std/clock.ts';
import { networkProblem } from '../../admission/webhooks/go-errors.ts';
import type { Attributes, Decision } from '../auth.ts';
import { accessRequest } from './access-request.ts';
import type { WebhookMode } from './config.ts';
import { matches } from './match-conditions.ts';

export interface WebhookAuthorizer {
  authorize(attributes: Attributes): Promise<Decision> | Decision;
  /** Without waiting: what is known already. Throws where the webhook would have to be asked. */
  known(attributes: Attributes): Decision;
  close(): void;
}

/** Answers that are kept; the one used longest ago goes first. */
const KEPT = 8192;
/** Requests with longer descriptions are asked about each time. */
const KEPT_LENGTH = 10_000;
const RETRY = { firstMs: 500, factor: 1.5, attempts: 5 };
const ANSWER_LIMIT_BYTES = 1024 * 1024;

interface Status {
  readonly allowed?: boolean;
  readonly denied?: boolean;
  readonly reason?: string;
}

interface KeptStatus {
  readonly status: Status;
  readonly until: number;
}

export function webhookAuthorizer(mode: WebhookMode, clock: Clock): WebhookAuthorizer {
  const { server, ca, cert, key: keyPem, serverName, insecureSkipTlsVerify, token } = mode.connection;
  const url = new URL(server);
  const agent = new Agent({ keepAlive: true, ...(ca && { ca }), ...(cert && { cert }), ...(keyPem && { key: keyPem }), ...(serverName && { servername: serverName }), ...(insecureSkipTlsVerify && { rejectUnauthorized: false }) });
  const kept = new Map<string, KeptStatus>();
  const onError: Decision['decision'] = mode.failurePolicy === 'Deny' ? 'deny' : 'no-opinion';

  /** Undefined: the webhook must be asked. */
  function before(attributes: Attributes): { readonly decision: Decision } | { readonly spec: Record<string, unknown>; readonly id: string } {
    const spec = accessRequest(attributes);
    try {
      if (!matches(mode.matchConditions, spec)) return { decision: { decision: 'no-opinion', reason: '' } };
    } catch (error) {
      return { decision: { decision: onError, reason: '', error: (error as Error).message } };
    }
    const id = JSON.stringify(spec);
    const found = kept.get(id);
    if (!found || found.until <= clock.now()) return { spec, id };
    kept.delete(id);
    kept.set(id, found);
    return { decision: decided(found.status) };
  }

  function keep(id: string, status: Status): void {
    const ttlMs = status.allowed ? mode.authorizedTtlMs : mode.unauthorizedTtlMs;
    if (id.length > KEPT_LENGTH || ttlMs === 0) return;
    kept.delete(id);
    kept.set(id, { status, until: clock.now() + ttlMs });
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
  }

  async function ask(spec: Record<string, unknown>): Promise<Status> {
    const { groups, ...rest } = spec;
    const own = mode.reviewVersion === 'v1beta1' ? { ...rest, ...(groups !== undefined && { group: groups }) } : spec;
    const body = JSON.stringify({ kind: 'SubjectAccessReview', apiVersion: `authorization.k8s.io/${mode.reviewVersion}`, metadata: { creationTimestamp: null }, spec: own, status: { allowed: false } });
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
  }

  function post(body: string): Promise<Status> {
    const abort = new AbortController();
    const timer = clock.after(mode.timeoutMs, () => abort.abort());
    const failed = (why: string, again: boolean): Error => Object.assign(new Error(why), { again });
    return new Promise<Status>((resolve, reject) => {
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
            resolve((JSON.parse(Buffer.concat(chunks).toString()) as { status?: Status }).status ?? {});
          } catch (error) {
            reject(failed((error as Error).message, false));
          }
        });
      });
      outgoing.end(body);
    }).finally(() => timer.cancel());
  }

  return {
    authorize(attributes) {
      const known = before(attributes);
      if ('decision' in known) return known.decision;
      return ask(known.spec).then(
        (status) => {
          keep(known.id, status);
          return decided(status);
        },
        (error: Error): Decision => ({ decision: onError, reason: '', error: error.message }),
      );
    },
    known(attributes) {
      const known = before(attributes);
      if ('decision' in known) return known.decision;
      throw new Error(`the authorization webhook ${mode.name} cannot be asked inside an expression`);
    },
    close: () => agent.destroy(),
  };
}

function decided({ allowed = false, denied = false, reason = '' }: Status): Decision {
  if (denied && allowed) return { decision: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' };
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
}
