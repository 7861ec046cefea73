/** Reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): profiles, back-off, extenders. What it does not know it refuses by name. */
import type { BackoffLimits } from './backlog.ts';
import { type ExtenderSettings, readExtenders } from './extender-settings.ts';
import { argsOf } from './plugin-args.ts';
import { DEFAULT_PROFILE, DEFAULT_WEIGHTS, FILTERS, PLUGINS, type Profile, type ScoringPlugin } from './profile.ts';
import { type Fields, listOf, numberOf, strict, textOf } from './strict.ts';

export interface Configuration {
  readonly profiles: readonly Profile[];
  readonly backoff: BackoffLimits;
  readonly extenders: readonly ExtenderSettings[];
}

export const DEFAULT_CONFIGURATION: Configuration = { profiles: [DEFAULT_PROFILE], backoff: { baseMs: 1_000, limitMs: 10_000 }, extenders: [] };

const API_VERSION = 'kubescheduler.config.k8s.io/v1';
const KIND = 'KubeSchedulerConfiguration';
/** Understood, and of no effect here: who leads and how the API is reached are flags of the command. */
const ELSEWHERE = ['leaderElection', 'clientConnection', 'enableProfiling', 'enableContentionProfiling', 'parallelism', 'delayCacheUntilActive'];
const FIELDS = ['apiVersion', 'kind', ...ELSEWHERE, 'percentageOfNodesToScore', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds', 'profiles', 'extenders'];

export function readConfiguration(document: unknown): Configuration {
  const root = strict(document, '', FIELDS);
  if (root.apiVersion !== API_VERSION || root.kind !== KIND) {
    throw new Error(`a scheduler configuration has apiVersion ${API_VERSION} and kind ${KIND}, not ${String(root.apiVersion)} and ${String(root.kind)}`);
  }
  const percentage = percentageOf(root, '');
  const given = listOf(root, 'profiles', '');
  const profiles = given.length === 0 ? [{ ...DEFAULT_PROFILE, percentageOfNodesToScore: percentage ?? 0 }] : given.map((one, i) => profileOf(one, `profiles[${i}]`, { single: given.length === 1, percentage: percentage ?? 0 }));
  const names = profiles.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) < i) throw new Error(`profiles[${i}].schedulerName: Duplicate value: "profiles[${names.indexOf(name)}].schedulerName"`);
  }
  const initial = numberOf(root, 'podInitialBackoffSeconds', '') ?? 1;
  const limit = numberOf(root, 'podMaxBackoffSeconds', '') ?? 10;
  if (initial <= 0) throw new Error(`podInitialBackoffSeconds: Invalid value: ${initial}: must be greater than 0`);
  if (limit < initial) throw new Error(`podMaxBackoffSeconds: Invalid value: ${limit}: must be greater than or equal to PodInitialBackoffSeconds`);
  return { profiles, backoff: { baseMs: initial * 1000, limitMs: limit * 1000 }, extenders: readExtenders(listOf(root, 'extenders', '')) };
}

function profileOf(document: unknown, path: string, { single, percentage }: { readonly single: boolean; readonly percentage: number }): Profile {
  const fields = strict(document, path, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig']);
  const name = textOf(fields, 'schedulerName', path) ?? (single ? DEFAULT_PROFILE.name : '');
  if (name === '') throw new Error(`${path}.schedulerName: Required value`);
  const own = percentageOf(fields, `${path}.`);
  return { ...DEFAULT_PROFILE, ...pluginsOf(fields.plugins, `${path}.plugins`), ...argsOf(listOf(fields, 'pluginConfig', path), `${path}.pluginConfig`), name, percentageOfNodesToScore: own ?? percentage };
}

function percentageOf(fields: Fields, prefix: string): number | undefined {
  const percentage = numberOf(fields, 'percentageOfNodesToScore', prefix.replace(/\.$/, ''));
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) throw new Error(`${prefix}percentageOfNodesToScore: Invalid value: ${percentage}: not in valid range [0-100]`);
  return percentage;
}

/** The points at which plugins can be turned on and off here. */
const POINTS = ['filter', 'score', 'postFilter', 'multiPoint'] as const;
/** What plugins do at these follows from the points above. */
const OTHER_POINTS = ['preEnqueue', 'queueSort', 'preFilter', 'preScore', 'reserve', 'permit', 'preBind', 'bind', 'postBind'];
/** Without these no pod would ever be placed. */
const ESSENTIAL = ['PrioritySort', 'DefaultBinder', 'SchedulingGates'];

interface Choice {
  readonly enabled: ReadonlyMap<string, number | undefined>;
  readonly disabled: ReadonlySet<string>;
}

function pluginsOf(document: unknown, path: string): Pick<Profile, 'filters' | 'weights' | 'preempts'> {
  const fields = strict(document ?? {}, path, [...POINTS, ...OTHER_POINTS]);
  for (const point of OTHER_POINTS) {
    const { enabled, disabled } = choiceOf(fields[point], `${path}.${point}`);
    if (enabled.size > 0 || disabled.size > 0) throw new Error(`${path}.${point}: this scheduler turns plugins on and off at ${POINTS.join(', ')} only`);
  }
  const [filter, score, postFilter, multi] = POINTS.map((point) => choiceOf(fields[point], `${path}.${point}`)) as [Choice, Choice, Choice, Choice];
  for (const name of ESSENTIAL) {
    if (isOff(multi, name)) throw new Error(`${path}.multiPoint: ${name} cannot be disabled`);
  }
  const isOn = (point: Choice, name: string): boolean => (point.enabled.has(name) ? true : !isOff(point, name) && (multi.enabled.has(name) || !isOff(multi, name)));
  const weights = Object.entries(DEFAULT_WEIGHTS).map(([name, usual]) => [name, isOn(score, name) ? (score.enabled.get(name) || multi.enabled.get(name) || usual) : 0]);
  return {
    filters: new Set(FILTERS.filter((name) => isOn(filter, name))),
    weights: Object.fromEntries(weights) as Record<ScoringPlugin, number>,
    preempts: isOn(postFilter, 'DefaultPreemption'),
  };
}

function isOff({ enabled, disabled }: Choice, name: string): boolean {
  return !enabled.has(name) && (disabled.has(name) || disabled.has('*'));
}

function choiceOf(document: unknown, path: string): Choice {
  const fields = strict(document ?? {}, path, ['enabled', 'disabled']);
  const read = (key: 'enabled' | 'disabled'): [string, number | undefined][] =>
    listOf(fields, key, path).map((one, i) => {
      const at = `${path}.${key}[${i}]`;
      const plugin = strict(one, at, ['name', 'weight']);
      const name = textOf(plugin, 'name', at) ?? '';
      if (!(PLUGINS as readonly string[]).includes(name) && !(key === 'disabled' && name === '*')) throw new Error(`${at}.name: there is no plugin ${JSON.stringify(name)}; there are ${PLUGINS.join(', ')}`);
      return [name, numberOf(plugin, 'weight', at)];
    });
  return { enabled: new Map(read('enabled')), disabled: new Set(read('disabled').map(([name]) => name)) };
}
