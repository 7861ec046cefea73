/** From a recommended size to the one that is set: bounds, stabilization, and how fast a size may change (upstream v1.36). */
import type { HPAScalingRules, HorizontalPodAutoscalerBehavior } from '../../api/types/autoscaling.v2.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export interface Recommendation {
  readonly replicas: number;
  readonly at: number;
}

export interface Change {
  readonly by: number;
  readonly at: number;
}

/** What has been recommended and done for one autoscaler: as long as its longest window, which the API bounds to an hour. */
export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
}

export const emptyHistory: History = { recommendations: [], ups: [], downs: [] };

export interface LimitOptions {
  readonly behavior: DeepReadonly<HorizontalPodAutoscalerBehavior> | undefined;
  readonly history: History;
  readonly current: number;
  readonly recommended: number;
  readonly min: number;
  readonly max: number;
  readonly stabilizationMs: number;
  readonly now: number;
}

interface Said {
  readonly reason: string;
  readonly message: string;
}

export interface Limited {
  readonly replicas: number;
  readonly history: History;
  readonly able: Said;
  readonly limited: Said & { readonly status: 'True' | 'False' };
}

type Rules = DeepReadonly<HPAScalingRules>;

const READY: Said = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const DOWN_STABILIZED: Said = { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' };
const UP_STABILIZED: Said = { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' };
const UP_LIMIT: Said = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' };
const DOWN_LIMIT: Said = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' };
const TOO_MANY: Said = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' };
const TOO_FEW: Said = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' };
const WITHIN: Said = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };

/** Without a behavior the size may double, or become four, at once. */
const UP_FACTOR = 2;
const UP_MINIMUM = 4;
/** No window of a behavior is longer. */
const LONGEST_WINDOW_MS = 3_600_000;

export function limit(options: LimitOptions): Limited {
  const { behavior } = options;
  return behavior?.scaleUp && behavior.scaleDown ? limitByRules(options, behavior.scaleUp, behavior.scaleDown) : limitByDefault(options);
}

/** Notes that the size was changed. */
export function noteChange(history: History, from: number, to: number, now: number): History {
  const recent = (changes: readonly Change[]): Change[] => changes.filter(({ at }) => at > now - LONGEST_WINDOW_MS);
  if (to > from) return { ...history, ups: [...recent(history.ups), { by: to - from, at: now }] };
  return { ...history, downs: [...recent(history.downs), { by: from - to, at: now }] };
}

function limitByDefault(options: LimitOptions): Limited {
  const { history, recommended, current, min, max, stabilizationMs, now } = options;
  const recent = history.recommendations.filter(({ at }) => at >= now - stabilizationMs);
  const stabilized = Math.max(recommended, ...recent.map(({ replicas }) => replicas));
  const next = { ...history, recommendations: [...recent, { replicas: recommended, at: now }] };
  const able = stabilized === recommended ? READY : DOWN_STABILIZED;
  const upLimit = Math.max(UP_FACTOR * current, UP_MINIMUM);
  const [ceiling, said] = max > upLimit ? [upLimit, UP_LIMIT] : [max, TOO_MANY];
  const [replicas, limited] = stabilized < min ? [min, TOO_FEW] : stabilized > ceiling ? [ceiling, said] : [stabilized, WITHIN];
  return { replicas, history: next, able, limited: { ...limited, status: replicas === stabilized ? 'False' : 'True' } };
}

function limitByRules(options: LimitOptions, up: Rules, down: Rules): Limited {
  const { history, recommended, current, stabilizationMs, now } = options;
  const upWindow = (up.stabilizationWindowSeconds ?? 0) * 1000;
  const downWindow = down.stabilizationWindowSeconds === undefined ? stabilizationMs : down.stabilizationWindowSeconds * 1000;
  let lowest = recommended;
  let highest = recommended;
  for (const { replicas, at } of history.recommendations) {
    if (at > now - upWindow) lowest = Math.min(lowest, replicas);
    if (at > now - downWindow) highest = Math.max(highest, replicas);
  }
  const stabilized = Math.min(Math.max(current, lowest), highest);
  const kept = history.recommendations.filter(({ at }) => at >= now - Math.max(upWindow, downWindow));
  const next = { ...history, recommendations: [...kept, { replicas: recommended, at: now }] };
  const able = stabilized === recommended ? READY : recommended >= current ? UP_STABILIZED : DOWN_STABILIZED;
  const [replicas, limited] = rated({ ...options, recommended: stabilized }, up, down);
  return { replicas, history: next, able, limited: { ...limited, status: replicas === stabilized ? 'False' : 'True' } };
}

function rated({ history, current, recommended, min, max, now }: LimitOptions, up: Rules, down: Rules): [number, Said] {
  if (recommended > current) {
    const fastest = Math.max(current, fastestUp(current, history, up, now));
    const [ceiling, said] = max > fastest ? [fastest, UP_LIMIT] : [max, TOO_MANY];
    if (recommended > ceiling) return [ceiling, said];
  } else if (recommended < current) {
    const fastest = Math.min(current, fastestDown(current, history, down, now));
    const [floor, said] = min < fastest ? [fastest, DOWN_LIMIT] : [min, TOO_FEW];
    if (recommended < floor) return [floor, said];
  }
  return [recommended, WITHIN];
}

function fastestUp(current: number, history: History, { policies = [], selectPolicy }: Rules, now: number): number {
  if (selectPolicy === 'Disabled') return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = atStart(current, history, periodSeconds, now);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals);
}

function fastestDown(current: number, history: History, { policies = [], selectPolicy }: Rules, now: number): number {
  if (selectPolicy === 'Disabled') return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = atStart(current, history, periodSeconds, now);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals);
}

/** The size at the beginning of a period. */
function atStart(current: number, { ups, downs }: History, periodSeconds: number, now: number): number {
  const within = (changes: readonly Change[]): number => changes.reduce((sum, { by, at }) => (at > now - periodSeconds * 1000 ? sum + by : sum), 0);
  return current - within(ups) + within(downs);
}
