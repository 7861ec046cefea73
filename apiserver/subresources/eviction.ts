/** Eviction: a deletion that respects the pod's disruption budget. Provenance: pkg/registry/core/pod/storage/eviction.go of v1.36. */
import { noteSaid } from '../audit/said.ts';
import { invalid, Path } from '../../api/field-error.ts';
import type { ApiObject } from '../../api/kind.ts';
import { poddisruptionbudgets, pods } from '../../api/resources.ts';
import { compileLabelSelector, matchesLabels } from '../../api/selectors.ts';
import { ApiError, badRequest, forbidden, isReason, notFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { PodDisruptionBudget } from '../../api/types/policy.v1.ts';
import { deepCopy, type DeepReadonly } from '../../std/deep.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import type { Expected } from '../registry/expected.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import { storedState } from '../objects/current.ts';
import { checkDeleteOptions, type DeleteOptions } from '../objects/delete-options.ts';
import { checkDeletePreconditions, checkNamespace, type Preconditions } from '../objects/identity.ts';
import { timestamp } from '../../api/timestamp.ts';
import type { Resource } from '../registry/resource.ts';
import { deleteObject } from '../verbs/delete.ts';
import { parseWriteOptions } from '../request/write-options.ts';
import { admitBody } from './admit-body.ts';

type Budget = Stored<PodDisruptionBudget>;

/** Attempts when others write the budget or the pod at the same time. */
const ATTEMPTS = 20;
/** Pods that are told to the budget's controller and have not gone yet. */
const DISRUPTED_LIMIT = 2000;

const EVICTION: Expected = { apiVersion: 'policy/v1', kind: 'Eviction', schema: { type: 'io.k8s.api.policy.v1.Eviction' }, alsoVersions: ['policy/v1beta1'] };

export async function evict(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const write = parseWriteOptions(exchange, 'CreateOptions');
  const body = await decodeBody(exchange, EVICTION, write.fieldValidation);
  noteSaid(exchange, body);
  const { namespace, name } = exchange.route;
  checkNamespace(body, exchange.route, resource);
  if (body.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const options = evictionOptions(body, write.dryRun);
  await admitBody(core, exchange, resource, { object: body, options: write });
  for (let attempt = 1; ; attempt++) {
    try {
      await evictOnce(core, exchange, { resource, namespace, name, options });
      return { type: 'document', code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
    } catch (error) {
      if (!isReason(error, 'Conflict') || options.preconditions || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** Both the request and what it holds may say that it is a dry run, in the same words. */
function evictionOptions(body: ApiObject, dryRun: boolean): EvictionOptions {
  const sent = (body['deleteOptions'] ?? {}) as SentDeleteOptions;
  if (sent.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const path = Path.of('deleteOptions', 'ignoreStoreReadErrorWithClusterBreakingPotential');
    throw invalidObject('policy', 'Eviction', body.metadata.name ?? '', [invalid(path, true, 'can not be set for pod eviction, try after removing the option')]);
  }
  if (dryRun && sent.dryRun?.length && sent.dryRun.join() !== 'All') {
    throw new ApiError({ code: 500, message: `Non-matching dry-run options in request and content: [All] and [${sent.dryRun.join(' ')}]` });
  }
  return {
    dryRun: dryRun || (sent.dryRun?.length ?? 0) > 0,
    preconditions: sent.preconditions,
    checked() {
      const options = checkDeleteOptions(sent as Parameters<typeof checkDeleteOptions>[0]);
      return { ...options, dryRun: options.dryRun || dryRun };
    },
  };
}

interface EvictionOptions {
  readonly dryRun: boolean;
  readonly preconditions: Preconditions | undefined;
  /** The whole, which is judged when the pod is deleted: by then it is marked. Throws 422. */
  readonly checked: () => DeleteOptions;
}

interface SentDeleteOptions {
  readonly dryRun?: readonly string[];
  readonly preconditions?: Preconditions;
  readonly ignoreStoreReadErrorWithClusterBreakingPotential?: boolean;
}

interface Evicting {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly options: EvictionOptions;
}

async function evictOnce(core: Core, exchange: Exchange, request: Evicting): Promise<void> {
  const { resource, namespace, name, options } = request;
  const state = await storedState(core, resource, resource.key(namespace, name));
  if (!state) throw notFound(resource.subject(name));
  const pod = state.object as unknown as DeepReadonly<Pod>;
  let guarded = options.preconditions;
  if (ignoresBudget(pod)) {
    if (pod.status?.phase === 'Pending') guarded = atVersion(guarded, state.object);
  } else {
    // A budget that another server has just taken, or one that nobody has asked about since the start, counts as well.
    await core.reader.upToDate(poddisruptionbudgets);
    const budgets = budgetsOf(core, pod, namespace);
    if (budgets.length > 1) throw new ApiError({ code: 500, message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.' });
    const [budget] = budgets;
    if (budget && sparesUnhealthy(pod, budget)) guarded = atVersion(guarded, state.object);
    else if (budget) await charge(core, budget, { pod: name, dryRun: options.dryRun });
  }
  if (!options.dryRun) checkDeletePreconditions(guarded, state.object, resource, name);
  const marked = options.dryRun ? undefined : await markDisrupted(core, state.object);
  if (marked && guarded?.resourceVersion !== undefined) guarded = { ...guarded, resourceVersion: marked };
  const checked = options.checked();
  await deleteObject(core, exchange, { resource, namespace, name, admitted: true, options: guarded ? { ...checked, preconditions: guarded } : checked });
}

/** Says on the pod that it goes because of an eviction. Its new version, or undefined where it says so already. */
async function markDisrupted(core: Core, pod: Readonly<ApiObject>): Promise<string | undefined> {
  const next = deepCopy(pod) as unknown as Pod;
  const conditions = next.status?.conditions ?? [];
  if (conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True')) return undefined;
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting', lastTransitionTime: timestamp(core.clock.now()) };
  next.status = { ...next.status, conditions: [...conditions.filter(({ type }) => type !== 'DisruptionTarget'), condition] };
  return (await core.writer.update(pods, next, 'status', { untracked: true })).metadata.resourceVersion;
}

function ignoresBudget({ metadata, status }: DeepReadonly<Pod>): boolean {
  const phase = status?.phase ?? '';
  return ['Succeeded', 'Failed', 'Pending'].includes(phase) || metadata?.deletionTimestamp !== undefined;
}

/** The pod must still be as it was looked at. */
function atVersion(preconditions: Preconditions | undefined, { metadata }: Readonly<ApiObject>): Preconditions {
  if (preconditions?.resourceVersion !== undefined) return preconditions;
  return { ...preconditions, resourceVersion: metadata.resourceVersion };
}

function budgetsOf({ reader }: Core, pod: DeepReadonly<Pod>, namespace: string): Budget[] {
  return reader.list(poddisruptionbudgets, namespace).filter(({ spec }) => {
    try {
      return matchesLabels(compileLabelSelector(spec?.selector as object | undefined), pod.metadata?.labels);
    } catch {
      return false;
    }
  });
}

/** A pod that is not ready does not count: it may go where the budget's application is well, or the budget says always. */
function sparesUnhealthy(pod: DeepReadonly<Pod>, { spec, status }: Budget): boolean {
  if (pod.status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

async function charge(core: Core, known: Budget, { pod, dryRun }: { readonly pod: string; readonly dryRun: boolean }): Promise<void> {
  const { name, namespace } = known.metadata;
  for (let attempt = 1; ; attempt++) {
    const budget = attempt === 1 ? known : await core.reader.getFresh(poddisruptionbudgets, namespace, name);
    if (!budget) return;
    refuseExhausted(budget);
    if (dryRun) return;
    const next = deepCopy(budget) as unknown as PodDisruptionBudget;
    const status = next.status as NonNullable<PodDisruptionBudget['status']>;
    const left = (status.disruptionsAllowed ?? 0) - 1;
    next.status = { ...status, ...(left === 0 && { conditions: exhausted(status, timestamp(core.clock.now())) }), disruptionsAllowed: left, disruptedPods: { ...status.disruptedPods, [pod]: timestamp(core.clock.now()) } };
    try {
      await core.writer.update(poddisruptionbudgets, next, 'status');
      return;
    } catch (error) {
      if (!isReason(error, 'Conflict') || attempt >= ATTEMPTS) throw error;
    }
  }
}

type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

/** The condition that says that no pod may go any more. */
function exhausted({ conditions = [], observedGeneration }: BudgetStatus, now: string): NonNullable<BudgetStatus['conditions']> {
  const before = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now;
  const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', lastTransitionTime, ...(observedGeneration !== undefined && { observedGeneration }) };
  return before ? conditions.map((one) => (one === before ? condition : one)) : [...conditions, condition];
}

function refuseExhausted({ metadata, status }: Budget): void {
  const { name } = metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods = {}, currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status ?? {};
  if (observedGeneration < ((metadata as { generation?: number }).generation ?? 0)) throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  const about = { group: 'policy', resource: 'poddisruptionbudget', name };
  if (disruptionsAllowed < 0) throw forbidden(about, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > DISRUPTED_LIMIT) throw forbidden(about, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed > 0) return;
  const condition = conditions.find(({ type, status: value, message }) => type === 'DisruptionAllowed' && value === 'False' && message);
  if (condition?.reason === 'SyncFailed') throw tooMany(`The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`);
  if (currentHealthy <= desiredHealthy) throw tooMany(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
  const why = condition ? ` (${condition.reason}): ${condition.message}` : '';
  throw tooMany(`The disruption budget ${name} does not allow evicting pods currently${why}`);
}

function tooMany(cause: string, retryAfterSeconds = 0): ApiError {
  return new ApiError({
    code: 429, reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retryAfterSeconds > 0 && { retryAfterSeconds }) },
  });
}
