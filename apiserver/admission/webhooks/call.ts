/** One call of one webhook: the question, the answer, and what they leave with the request. */
import { ApiError, badRequest, type Status } from '../../../api/status.ts';
import type { Random } from '../../../std/random.ts';
import { uuid } from '../../../std/random.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Target } from '../matching/subject.ts';
import type { VersionedObjects } from '../matching/versioned.ts';
import type { DynamicSeries, WebhookCall } from '../series.ts';
import { span } from '../../tracing/span.ts';
import type { WebhookClient } from './client.ts';
import type { Hook } from './hooks.ts';
import { answerProblem, readReview, reviewVersion, writeReview, type Verdict } from './review.ts';

/** The webhook could not be asked, or its answer could not be used: the failure policy decides. */
export class CallFailure extends Error {
  /** As if HTTP had told it. */
  readonly code: number;

  constructor(hook: Pick<Hook, 'name'>, why: string, code = 503) {
    super(`failed calling webhook ${JSON.stringify(hook.name)}: ${why}`);
    this.code = code;
  }
}

/** What a webhook said. */
class Refusal extends ApiError {}

export interface CallDependencies {
  readonly client: WebhookClient;
  readonly random: Random;
  readonly series: DynamicSeries;
}

export interface Call {
  readonly hook: Hook;
  readonly target: Target;
  readonly request: AdmissionRequest;
  readonly objects: VersionedObjects;
  readonly mutating: boolean;
}

/** The verdict of a webhook that allows, as far as `use` can use it. Throws its refusal, or a CallFailure. */
export async function callHook<T>(call: Call, dependencies: CallDependencies, use: (verdict: Verdict) => T | Promise<T>): Promise<T> {
  const { series } = dependencies;
  const { hook, request, mutating } = call;
  const beganMs = series.now();
  const told = (code: number, outcome: WebhookCall['outcome']): void => series.webhook(hook.name, mutating ? 'admit' : 'validating', request.operation, { beganMs, code, outcome });
  try {
    const used = await use(await ask(call, dependencies));
    told(200, 'allowed');
    return used;
  } catch (error) {
    if (error instanceof CallFailure) told(error.code, hook.ignoresFailure ? 'failed-open' : 'failed');
    else if (error instanceof Refusal) told(error.code, 'refused');
    else told(0, 'error');
    throw error;
  }
}

async function ask({ hook, target, request, objects, mutating }: Call, { client, random }: CallDependencies): Promise<Verdict> {
  if (request.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  }
  const version = reviewVersion(hook.reviewVersions);
  if (!version) throw new CallFailure(hook, 'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)', 400);
  const uid = uuid(random);
  const review = writeReview(request, { uid, version, target, versioned: objects.get(target.kind) });
  const call = (): Promise<Record<string, unknown>> => client.call(hook.client, review, { timeoutSeconds: hook.timeoutSeconds, signal: request.caller?.signal, traceparent: request.caller?.traceparent });
  const answer = await span(`Call ${mutating ? 'mutating' : 'validating'} webhook`, () => ({ webhook: hook.name, subresource: request.subresource, operation: request.operation, UID: uid }), call).catch((error: unknown) => {
    throw new CallFailure(hook, `failed to call webhook: ${(error as Error).message}`);
  });
  const odd = answerProblem(answer, version);
  if (odd !== undefined) throw new CallFailure(hook, `failed to call webhook: ${odd}`);
  const verdict = readReview(answer, { uid, version }, mutating);
  if ('problem' in verdict) throw new CallFailure(hook, `received invalid webhook response: ${verdict.problem}`);
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.caller?.auditAnnotations?.set(`${hook.name}/${key}`, value);
  request.warnings.push(...verdict.warnings);
  if (!verdict.allowed) throw refusal(hook.name, verdict.status as Partial<Status> | undefined);
  return verdict;
}

const LOWEST_REFUSAL = 400;

/** What the webhook said, under its name; never a code that looks like success. */
function refusal(name: string, status: Partial<Status> = {}): ApiError {
  const { message, reason, code = 0, details, metadata } = status;
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const said = message || reason;
  return new Refusal({
    message: said ? `${denied}: ${said}` : `${denied} without explanation`, code: Math.max(code, LOWEST_REFUSAL),
    ...(reason && { reason }), ...(details && { details }), ...(metadata && { metadata }),
  });
}

/** Throws 504 when there is nobody left to answer. */
export function checkStillWaiting({ caller }: AdmissionRequest): void {
  if (!caller?.signal.aborted) return;
  throw new ApiError({ code: 504, reason: 'Timeout', message: 'Timeout: request did not complete within requested timeout', details: {} });
}
