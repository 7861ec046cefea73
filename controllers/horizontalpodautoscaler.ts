/**
 * The horizontal pod autoscaler: keeps a workload as large as its metrics ask for.
 *
 * It is no reconcile function because scales and metrics are asked for, not watched; what follows from them is
 * `autoscaler/decide.ts`, which is pure.
 */
import { customresourcedefinitions, horizontalpodautoscalers, pods } from '../api/resources.ts';
import { matchesLabels, parseLabelSelector, type Selector } from '../api/selectors.ts';
import { ApiError, isReason } from '../api/status.ts';
import { parseKey } from '../client/cache.ts';
import type { Informer } from '../client/client.ts';
import { WorkQueue } from '../client/queue.ts';
import { timeText } from '../client/time.ts';
import { deepEqual } from '../std/deep.ts';
import type { CustomResourceDefinition } from '../api/types/apiextensions.v1.ts';
import type { HorizontalPodAutoscaler } from '../api/types/autoscaling.v2.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { event, subject } from './actions.ts';
import { NO_STATUS, decide, needsMetrics, withCondition, type Decision, type Scale, type SelectionProblem, type Settings, type Status, type StoredAutoscaler, type Warning } from './autoscaler/decide.ts';
import { noteChange, type History } from './autoscaler/limits.ts';
import { answerText, readMetric } from './autoscaler/metrics.ts';
import type { ControllerTools, FreeController } from './controller.ts';
import type { StoredPod } from './pods.ts';
import { builtinResources, customResource, type AnyRef } from './served.ts';

export type AutoscalerOptions = Partial<Settings>;

const DEFAULTS: Settings = { syncPeriodMs: 15_000, downscaleStabilizationMs: 300_000, tolerance: 0.1, cpuInitializationMs: 300_000, initialReadinessDelayMs: 30_000 };
const WORKERS = 5;
/** A scale that others change meanwhile is tried again so often. */
const CONFLICTS = 5;
/** Events live for an hour. */
const REPEAT_MS = 1_800_000;
const ABLE = 'AbleToScale';

export function horizontalPodAutoscalerController(options: AutoscalerOptions = {}): FreeController {
  const settings = { ...DEFAULTS, ...options };
  return {
    name: 'horizontal-pod-autoscaler-controller',
    account: 'horizontal-pod-autoscaler',
    run: (tools, signal) => new Autoscaling(tools, settings).run(signal),
  };
}

class Autoscaling {
  readonly #tools: ControllerTools;
  readonly #settings: Settings;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;
  readonly #pods: Informer<Pod>;
  readonly #definitions: Informer<CustomResourceDefinition>;
  /** For each autoscaler there is: what was recommended and done, and which pods it selects. */
  readonly #histories = new Map<string, History>();
  readonly #selectors = new Map<string, Selector>();
  /** By reason; reasons are few. */
  readonly #said = new Map<string, Map<string, { readonly message: string; readonly at: number }>>();

  constructor(tools: ControllerTools, settings: Settings) {
    this.#tools = tools;
    this.#settings = settings;
    this.#autoscalers = tools.informer(horizontalpodautoscalers);
    this.#pods = tools.informer(pods);
    this.#definitions = tools.informer(customresourcedefinitions);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, workers = WORKERS } = this.#tools;
    const { syncPeriodMs } = this.#settings;
    const queue = new WorkQueue({
      clock,
      workers,
      work: async (key) => {
        const ended = signal.aborted || !(await this.#look(key).catch((error: unknown) => {
          if (!isReason(error, 'Conflict')) log.warn({ key, error: String(error) }, 'an autoscaler could not be looked at');
          return true;
        }));
        if (!ended) queue.addAfter(key, syncPeriodMs);
      },
    });
    await Promise.race([Promise.all([this.#autoscalers.synced(), this.#pods.synced(), this.#definitions.synced()]), aborted(signal)]);
    // The first look is a period away, as every other: whatever made the autoscaler is still at work.
    const unsubscribe = this.#autoscalers.subscribe(({ type, object: { metadata } }) => {
      const key = `${metadata.namespace}/${metadata.name}`;
      if (type === 'added') queue.addAfter(key, syncPeriodMs);
      if (type === 'deleted') queue.add(key);
    });
    await aborted(signal);
    unsubscribe();
    await queue.stop();
  }

  /** False when there is none any more. */
  async #look(key: string): Promise<boolean> {
    const hpa = this.#autoscalers.cache.get(parseKey(key));
    if (!hpa) {
      this.#histories.delete(key);
      this.#selectors.delete(key);
      this.#said.delete(key);
      return false;
    }
    const found = await this.#scaleOf(hpa);
    if ('problem' in found) {
      this.#warn(hpa, { reason: 'FailedGetScale', message: found.problem });
      const status = withCondition(hpa.status ?? NO_STATUS, [ABLE, 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${found.problem}`], this.#tools.clock.now());
      await this.#write(hpa, status);
      return true;
    }
    const { scale, resource, selector } = found;
    // Whose pods they are is asked where it matters.
    const measures = needsMetrics(hpa, scale.spec?.replicas ?? 0);
    const selected = measures ? this.#select(key, hpa, selector, scale) : { pods: [], problem: undefined };
    const readings = selected.problem || !measures ? [] : await this.#read(hpa, scale);
    const decision = decide({ hpa, scale, readings, pods: selected.pods, selection: selected.problem, history: this.#histories.get(key), settings: this.#settings, now: this.#tools.clock.now() });
    this.#histories.set(key, decision.history);
    for (const warning of decision.warnings) this.#warn(hpa, warning);
    await this.#carryOut({ key, hpa, resource, scale, decision });
    return true;
  }

  async #carryOut({ key, hpa, resource, scale, decision }: { readonly key: string; readonly hpa: StoredAutoscaler; readonly resource: AnyRef; readonly scale: Scale; readonly decision: Decision }): Promise<void> {
    const { size, status } = decision;
    if (!size) return this.#write(hpa, status);
    const now = this.#tools.clock.now();
    const current = scale.spec?.replicas ?? 0;
    try {
      await this.#resize(hpa, resource, scale, size.replicas);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#warn(hpa, { reason: 'FailedRescale', message: `New size: ${size.replicas}; reason: ${size.reason}; error: ${text}` });
      const failed = withCondition({ ...status, desiredReplicas: hpa.status?.desiredReplicas ?? 0 }, [ABLE, 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${text}`], now);
      return this.#write(hpa, failed);
    }
    this.#tools.event(event(subject(horizontalpodautoscalers, hpa), 'Normal', 'SuccessfulRescale', `New size: ${size.replicas}; reason: ${size.reason}`));
    if (hpa.spec.behavior) this.#histories.set(key, noteChange(decision.history, current, size.replicas, now));
    const done = withCondition({ ...status, lastScaleTime: timeText(now) }, [ABLE, 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${size.replicas}`], now);
    return this.#write(hpa, done);
  }

  async #scaleOf({ metadata: { namespace }, spec: { scaleTargetRef } }: StoredAutoscaler): Promise<Scaled | { readonly problem: string }> {
    const { apiVersion = '', kind, name } = scaleTargetRef;
    const parts = apiVersion.split('/');
    if (parts.length > 2) return { problem: `unexpected GroupVersion string: ${apiVersion}` };
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const resource = this.#resourceOf(group, kind);
    if (!resource) return { problem: `no matches for kind "${kind}" in group "${group}"` };
    const call = { verb: 'get', group: resource.group, version: resource.version, resource: resource.resource, namespace, name } as const;
    try {
      const scale = await this.#tools.client.call({ ...call, subresource: 'scale' });
      if (typeof scale !== 'object') throw new ApiError({ code: 404, reason: 'NotFound', message: '404 page not found' });
      return { scale: scale as Scale, resource, ...selectorIn(scale as Scale) };
    } catch (error) {
      return { problem: answerText(error, { ...call, group: '' }) };
    }
  }

  async #resize({ metadata: { namespace }, spec }: StoredAutoscaler, resource: AnyRef, scale: Scale, replicas: number): Promise<void> {
    const call = { group: resource.group, version: resource.version, resource: resource.resource, namespace, name: spec.scaleTargetRef.name, subresource: 'scale' } as const;
    let known = scale;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#tools.client.call({ ...call, verb: 'update', body: { ...known, spec: { ...known.spec, replicas } } });
        return;
      } catch (error) {
        if (!isReason(error, 'Conflict') || attempt >= CONFLICTS) throw error;
        known = (await this.#tools.client.call({ ...call, verb: 'get' })) as Scale;
      }
    }
  }

  #read(hpa: StoredAutoscaler, scale: Scale): Promise<Awaited<ReturnType<typeof readMetric>>[]> {
    const query = { namespace: hpa.metadata.namespace, selector: scale.status?.selector ?? '', resourceOf: (group: string, kind: string) => this.#resourceOf(group, kind) };
    return Promise.all((hpa.spec.metrics ?? []).map((spec) => readMetric(this.#tools.client, spec, query)));
  }

  /** The pods that the scale selects, if they are this autoscaler's alone. */
  #select(key: string, { metadata: { namespace } }: StoredAutoscaler, selector: Selector | undefined, scale: Scale): { readonly pods: readonly StoredPod[]; readonly problem: SelectionProblem | undefined } {
    if (!selector) return { pods: [], problem: { event: { reason: 'SelectorRequired', message: 'selector is required' }, condition: { reason: 'InvalidSelector', message: "the HPA target's scale is missing a selector" } } };
    this.#selectors.set(key, selector);
    const chosen = this.#pods.cache.list(namespace).filter(({ metadata }) => matchesLabels(selector, metadata.labels));
    const others = [...this.#selectors].filter(([other, theirs]) => other.startsWith(`${namespace}/`) && chosen.some(({ metadata }) => matchesLabels(theirs, metadata.labels))).map(([other]) => other);
    if (others.length <= 1) return { pods: chosen, problem: undefined };
    return { pods: [], problem: both('AmbiguousSelector', `pods by selector ${scale.status?.selector ?? ''} are controlled by multiple HPAs: [${others.sort().join(' ')}]`) };
  }

  #resourceOf(group: string, kind: string): AnyRef | undefined {
    const builtin = builtinResources.find((resource) => resource.group === group && resource.kind === kind);
    if (builtin) return builtin;
    const definition = this.#definitions.cache.list().find(({ spec }) => spec.group === group && spec.names.kind === kind);
    return definition && customResource(definition);
  }

  async #write(hpa: StoredAutoscaler, status: Status): Promise<void> {
    if (deepEqual(plain(hpa.status ?? NO_STATUS), plain(status))) return;
    try {
      await this.#tools.client.update(horizontalpodautoscalers, { ...hpa, status }, { subresource: 'status' });
    } catch (error) {
      this.#warn(hpa, { reason: 'FailedUpdateStatus', message: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** The same is not said again with each look: only when it has changed, and before the first event of it is forgotten. */
  #warn(hpa: StoredAutoscaler, { reason, message }: Warning): void {
    const key = `${hpa.metadata.namespace}/${hpa.metadata.name}`;
    const said = this.#said.get(key) ?? new Map<string, { readonly message: string; readonly at: number }>();
    const known = said.get(reason);
    const now = this.#tools.clock.now();
    if (known?.message === message && now - known.at < REPEAT_MS) return;
    said.set(reason, { message, at: now });
    this.#said.set(key, said);
    this.#tools.event(event(subject(horizontalpodautoscalers, hpa), 'Warning', reason, message));
  }
}

interface Scaled {
  readonly scale: Scale;
  readonly resource: AnyRef;
  /** Undefined: the target has none. */
  readonly selector: Selector | undefined;
}

/** Zero and absent are the same. */
function plain({ currentReplicas = 0, currentMetrics, ...rest }: Status): object {
  return { ...rest, currentReplicas, currentMetrics: currentMetrics ?? [] };
}

function both(reason: string, message: string): SelectionProblem {
  return { event: { reason, message }, condition: { reason, message } };
}

/** The client of scales reads the selector along with the rest. */
function selectorIn({ status }: Scale): { readonly selector: Selector | undefined } {
  const text = status?.selector ?? '';
  try {
    return { selector: text === '' ? undefined : parseLabelSelector(text) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new Error(`received an object from a /scale endpoint which was not convertible to autoscaling Scale: failed to parse target selector: couldn't parse the selector string "${text}": ${problem}`, { cause: error });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
