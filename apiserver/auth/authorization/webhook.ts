/** Asks another server whether somebody may: SubjectAccessReviews, answers kept for a while, a stated policy for when it fails. Provenance: plugin/pkg/authorizer/webhook of apiserver v0.36. */
import type { Clock } from '../../../std/clock.ts';
import type { Attributes, Decision } from '../auth.ts';
import { createReviewClient } from '../review-client.ts';
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
  const client = createReviewClient(mode.connection, { clock, timeoutMs: mode.timeoutMs });
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

  function ask(spec: Record<string, unknown>): Promise<Status> {
    const { groups, ...rest } = spec;
    const own = mode.reviewVersion === 'v1beta1' ? { ...rest, ...(groups !== undefined && { group: groups }) } : spec;
    return client.ask({ kind: 'SubjectAccessReview', apiVersion: `authorization.k8s.io/${mode.reviewVersion}`, metadata: { creationTimestamp: null }, spec: own, status: { allowed: false } });
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
    close: () => client.close(),
  };
}

function decided({ allowed = false, denied = false, reason = '' }: Status): Decision {
  if (denied && allowed) return { decision: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' };
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
}
