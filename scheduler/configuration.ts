/** Reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): profiles, back-off, extenders. What is wrong is said in upstream's words; what it does not do it refuses by name. */
import type { BackoffLimits } from './backlog.ts';
import { type ExtenderSettings, readExtenders } from './extender-settings.ts';
import { checkComponent } from './component-settings.ts';
import { argsOf } from './plugin-args.ts';
import { DEFAULT_PROFILE, DEFAULT_WEIGHTS, FILTERS, PLUGINS, type Profile, type ScoringPlugin } from './profile.ts';
import { type Fields, Problems, WrongType, listOf, numberOf, strict, textOf } from './strict.ts';

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

/** Throws what upstream says of the first thing that makes it stop: what cannot be read, then all that is wrong, then what profiles cannot be made of. */
export function readConfiguration(document: unknown): Configuration {
  try {
    return configurationOf(document);
  } catch (error) {
    if (error instanceof WrongType) throw new Error(error.within(KIND), { cause: error });
    throw error;
  }
}

function configurationOf(document: unknown): Configuration {
  const { apiVersion, kind } = { ...(document as Fields) };
  if (apiVersion !== API_VERSION || kind !== KIND) throw new Error(`no kind "${String(kind)}" is registered for version "${String(apiVersion)}" in scheme "pkg/runtime/scheme.go:111"`);
  const root = strict(document, '', FIELDS);
  const problems = new Problems();
  checkComponent(root, problems);
  const parallelism = numberOf(root, 'parallelism', '');
  if (parallelism !== undefined && parallelism <= 0) problems.add('parallelism', `Invalid value: ${parallelism}: should be an integer value greater than zero`);
  const given = listOf(root, 'profiles', '');
  const read = given.map((one, i) => profileOf(one, `profiles[${i}]`, { single: given.length === 1, percentage: numberOf(root, 'percentageOfNodesToScore', '') ?? 0, problems }));
  const names = read.map(({ profile }) => profile.name);
  for (const [i, name] of names.entries()) if (name !== '' && names.indexOf(name) < i) problems.add(`profiles[${i}].schedulerName`, 'Duplicate value: {}');
  const percentage = percentageOf(root, '', problems);
  const initial = numberOf(root, 'podInitialBackoffSeconds', '', 'int64') ?? 1;
  const limit = numberOf(root, 'podMaxBackoffSeconds', '', 'int64') ?? 10;
  if (initial <= 0) problems.add('podInitialBackoffSeconds', `Invalid value: ${initial}: must be greater than 0`);
  if (limit < initial) problems.add('podMaxBackoffSeconds', `Invalid value: ${limit}: must be greater than or equal to PodInitialBackoffSeconds`);
  const extenders = readExtenders(listOf(root, 'extenders', ''), problems);
  if (problems.text) throw new Error(problems.text);
  const late = read.find(({ impossible }) => impossible !== undefined);
  if (late) throw new Error(`initializing profiles: creating profile for scheduler name ${late.profile.name}: ${late.impossible}`);
  const profiles = given.length === 0 ? [{ ...DEFAULT_PROFILE, percentageOfNodesToScore: percentage ?? 0 }] : read.map(({ profile }) => profile);
  return { profiles, backoff: { baseMs: initial * 1000, limitMs: limit * 1000 }, extenders };
}

interface ReadProfile {
  readonly profile: Profile;
  /** Why no profile can be made of it. */
  readonly impossible: string | undefined;
}

function profileOf(document: unknown, path: string, { single, percentage, problems }: { readonly single: boolean; readonly percentage: number; readonly problems: Problems }): ReadProfile {
  const fields = strict(document, path, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig']);
  const name = textOf(fields, 'schedulerName', path) ?? (single ? DEFAULT_PROFILE.name : '');
  if (name === '') problems.add(`${path}.schedulerName`, 'Required value');
  const own = percentageOf(fields, path, problems);
  const { parts, late } = argsOf(listOf(fields, 'pluginConfig', path), `${path}.pluginConfig`, problems);
  const { chosen, impossible } = pluginsOf(fields.plugins, `${path}.plugins`, name);
  return { profile: { ...DEFAULT_PROFILE, ...chosen, ...parts, name, percentageOfNodesToScore: own ?? percentage }, impossible: late ?? impossible };
}

function percentageOf(fields: Fields, path: string, problems: Problems): number | undefined {
  const percentage = numberOf(fields, 'percentageOfNodesToScore', path);
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) problems.add(`${path ? `${path}.` : ''}percentageOfNodesToScore`, `Invalid value: ${percentage}: not in valid range [0-100]`);
  return percentage;
}

/** The points at which plugins can be turned on and off here. */
const POINTS = ['filter', 'score', 'postFilter', 'multiPoint'] as const;
/** What plugins do at these follows from the points above, but for gates. */
const OTHER_POINTS = ['preEnqueue', 'queueSort', 'preFilter', 'preScore', 'reserve', 'permit', 'preBind', 'bind', 'postBind'] as const;
/** Who prepares there what he decides elsewhere: half of such a plugin makes upstream's fail with every pod. The others do not miss what they have not prepared. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  preEnqueue: ['DynamicResources'],
  preFilter: ['NodePorts', 'NodeResourcesFit', 'VolumeRestrictions', 'VolumeBinding', 'PodTopologySpread', 'InterPodAffinity', 'DynamicResources'],
  preScore: ['TaintToleration', 'PodTopologySpread', 'InterPodAffinity'],
  reserve: ['VolumeBinding', 'DynamicResources'],
  preBind: ['VolumeBinding', 'DynamicResources'],
};
/** Of these one plugin is needed, and there is no other here. */
const ONLY: Readonly<Record<string, { readonly plugin: string; readonly missing: (profile: string) => string }>> = {
  queueSort: { plugin: 'PrioritySort', missing: (profile) => `only one queue sort plugin required for profile with scheduler name "${profile}", but got 0` },
  bind: { plugin: 'DefaultBinder', missing: (profile) => `at least one bind plugin is needed for profile with scheduler name "${profile}"` },
};
/** Who can be turned on at a point. */
const EXTENDS: Readonly<Record<string, readonly string[]>> = { preEnqueue: ['SchedulingGates', 'DynamicResources', 'DefaultPreemption'], filter: FILTERS, score: Object.keys(DEFAULT_WEIGHTS), postFilter: ['DefaultPreemption', 'DynamicResources'], permit: [], postBind: [], queueSort: ['PrioritySort'], bind: ['DefaultBinder'] };

interface Choice {
  /** As they are named, with their weights. */
  readonly names: readonly string[];
  readonly enabled: ReadonlyMap<string, number | undefined>;
  readonly disabled: ReadonlySet<string>;
}

function pluginsOf(document: unknown, path: string, profile: string): { readonly chosen: Pick<Profile, 'filters' | 'weights' | 'preempts' | 'deallocates' | 'mindsGates'>; readonly impossible: string | undefined } {
  const fields = strict(document ?? {}, path, [...POINTS, ...OTHER_POINTS]);
  const choices = new Map([...POINTS, ...OTHER_POINTS].map((point) => [point, choiceOf(fields[point], `${path}.${point}`)] as const));
  const [filter, score, postFilter, multi] = POINTS.map((point) => choices.get(point)) as [Choice, Choice, Choice, Choice];
  const isOn = (point: Choice, name: string): boolean => (point.enabled.has(name) ? true : !isOff(point, name) && (multi.enabled.has(name) || !isOff(multi, name)));
  const impossible = [...choices].map(([point, choice]) => contradiction(point, choice)).find((one) => one !== undefined) ?? Object.entries(ONLY).flatMap(([point, { plugin, missing }]) => (isOn(choices.get(point as 'bind') as Choice, plugin) ? [] : [missing(profile)]))[0];
  for (const [point, needed] of Object.entries(NEEDED)) {
    const choice = choices.get(point as 'reserve') as Choice;
    const halved = needed.find((name) => isOff(choice, name) && !choice.enabled.has(name) && (isOn(filter, name) || (name in DEFAULT_WEIGHTS && isOn(score, name))));
    if (impossible === undefined && halved !== undefined) throw new Error(`${path}.${point}: ${halved} is turned off here but not where it decides; this scheduler turns plugins on and off at ${POINTS.join(', ')} only`);
  }
  const weights = Object.entries(DEFAULT_WEIGHTS).map(([name, usual]) => [name, isOn(score, name) ? (score.enabled.get(name) || multi.enabled.get(name) || usual) : 0]);
  const chosen = {
    filters: new Set(FILTERS.filter((name) => isOn(filter, name))),
    weights: Object.fromEntries(weights) as Record<ScoringPlugin, number>,
    preempts: isOn(postFilter, 'DefaultPreemption'),
    deallocates: isOn(postFilter, 'DynamicResources'),
    mindsGates: isOn(choices.get('preEnqueue') as Choice, 'SchedulingGates'),
  };
  return { chosen, impossible: impossible ?? (Object.values(chosen.weights).some((weight) => weight < 0) ? 'score plugins: total score of Score plugins could overflow' : undefined) };
}

/** What makes it impossible to turn on what a point names. */
function contradiction(point: string, { names }: Choice): string | undefined {
  const kind = `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`;
  const seen = new Set<string>();
  for (const name of names) {
    if (!(PLUGINS as readonly string[]).includes(name)) return point === 'multiPoint' ? `MultiPointPlugin "${name}" does not exist` : `${kind} "${name}" does not exist`;
    if (EXTENDS[point] && !EXTENDS[point].includes(name)) return `plugin "${name}" does not extend ${kind} plugin`;
    if (seen.has(name)) return `plugin "${name}" already registered as "${point === 'multiPoint' ? 'FilterPlugin' : kind}"`;
    seen.add(name);
  }
  return undefined;
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
      return [textOf(plugin, 'name', at) ?? '', numberOf(plugin, 'weight', at)];
    });
  const enabled = read('enabled');
  return { names: enabled.map(([name]) => name), enabled: new Map(enabled), disabled: new Set(read('disabled').map(([name]) => name)) };
}
