/** What a profile's `pluginConfig` tells the plugins: each plugin's arguments, checked, as parts of the profile. */
import type { NodeAffinity } from '../api/types/core.v1.ts';
import { labelKeyProblems } from '../api/selectors/label-syntax.ts';
import { type Profile, SYSTEM_SPREAD, type ShapePoint, type SpreadDefault, type WeightedResource } from './profile.ts';
import { type Fields, Problems, WrongType, durationOf, flagOf, listOf, numberOf, strict, textOf } from './strict.ts';

type Mutable = { -readonly [K in keyof Profile]?: Profile[K] };

/** A plugin's arguments become parts of the profile. Paths begin at the arguments. */
const READERS: Readonly<Record<string, (args: unknown, problems: Problems) => Mutable>> = {
  DefaultPreemption: preemption,
  DynamicResources: dynamicResources,
  InterPodAffinity: podAffinity,
  NodeAffinity: nodeAffinity,
  NodeResourcesBalancedAllocation: balanced,
  NodeResourcesFit: fit,
  PodTopologySpread: spread,
  VolumeBinding: volumeBinding,
};

const META = ['apiVersion', 'kind'];

/** These arguments are looked at when the plugin is made, after all others. */
const LATE = 'NodeResourcesFit';

export interface Args {
  readonly parts: Mutable;
  /** Of plugins that look at their arguments late: what is wrong. */
  readonly late: string | undefined;
}

/** Arguments of plugins that are not there concern nobody. */
export function argsOf(list: readonly unknown[], path: string, problems: Problems): Args {
  const parts: Mutable = {};
  const seen = new Set<string>();
  const late = new Problems();
  for (const [i, one] of list.entries()) {
    const at = `${path}[${i}]`;
    const fields = strict(one, at, ['name', 'args']);
    const name = textOf(fields, 'name', at) ?? '';
    if (seen.has(name)) problems.add(at, `Duplicate value: "${name}"`);
    seen.add(name);
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (!read) continue;
    const own = name === LATE ? late : new Problems();
    Object.assign(parts, decoded(at, name, () => read(fields.args ?? {}, own)));
    if (own !== late) problems.take(`${at}.args`, { part: own });
  }
  return { parts, late: late.text && `initializing plugin "${LATE}": ${late.text}` };
}

const STRICT = 'strict decoding error: ';

function decoded(at: string, name: string, read: () => Mutable): Mutable {
  const place = [`decoding .${at}: `, `decoding args for plugin ${name}: `];
  try {
    return read();
  } catch (error) {
    if (error instanceof WrongType) throw new Error(place.join('') + error.within(`${name}Args`), { cause: error });
    const { message } = error as Error;
    throw new Error(message.startsWith(STRICT) ? STRICT + place.join(STRICT) + message : place.join('') + message, { cause: error });
  }
}

function preemption(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'minCandidateNodesPercentage', 'minCandidateNodesAbsolute']);
  const candidatesPercentage = ranged(fields, 'minCandidateNodesPercentage', problems, [0, 100]) ?? 10;
  const candidatesLeast = ranged(fields, 'minCandidateNodesAbsolute', problems, [0, Infinity]) ?? 100;
  if (candidatesPercentage === 0 && candidatesLeast === 0) {
    problems.add('minCandidateNodesPercentage', 'Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute');
    problems.add('minCandidateNodesAbsolute', 'Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage');
  }
  return { candidatesPercentage, candidatesLeast };
}

function dynamicResources(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'filterTimeout', 'bindingTimeout']);
  // Filters here look at one pod without waiting for anything: there is nothing that a time limit would end.
  if ((durationOf(fields, 'filterTimeout', '') ?? 0) < 0) problems.add('filterTimeout', `Invalid value: ${JSON.stringify(fields.filterTimeout)}: must be zero or positive`);
  const prepareTimeoutMs = durationOf(fields, 'bindingTimeout', '');
  if (prepareTimeoutMs !== undefined && prepareTimeoutMs < 1_000) problems.add('bindingTimeout', `Invalid value: ${JSON.stringify(fields.bindingTimeout)}: must be at least 1 second`);
  return prepareTimeoutMs === undefined ? {} : { prepareTimeoutMs };
}

function podAffinity(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods']);
  return {
    hardPodAffinityWeight: ranged(fields, 'hardPodAffinityWeight', problems, [0, 100]) ?? 1,
    ignorePreferredTermsOfExistingPods: flagOf(fields, 'ignorePreferredTermsOfExistingPods', '') ?? false,
  };
}

function nodeAffinity(args: unknown): Mutable {
  const fields = strict(args, '', [...META, 'addedAffinity']);
  if (fields.addedAffinity === undefined || fields.addedAffinity === null) return {};
  const at = 'addedAffinity';
  const added = strict(fields.addedAffinity, at, ['requiredDuringSchedulingIgnoredDuringExecution', 'preferredDuringSchedulingIgnoredDuringExecution']);
  const required = added.requiredDuringSchedulingIgnoredDuringExecution;
  if (required !== undefined) listOf(strict(required, at, ['nodeSelectorTerms']), 'nodeSelectorTerms', at);
  listOf(added, 'preferredDuringSchedulingIgnoredDuringExecution', at);
  return { addedAffinity: added as NodeAffinity };
}

function balanced(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'resources']);
  if (fields.resources === undefined) return {};
  const list = resources(fields, '', undefined);
  for (const [i, { name, weight }] of list.entries()) {
    if (weight !== 1) problems.add(`resources[${i}].weight`, `Invalid value: ${weight}: must be 1`);
    if (list.findIndex((one) => one.name === name) < i) problems.add(`resources[${i}].name`, `Duplicate value: "${name}"`);
  }
  return { balanced: list.map(({ name }) => name) };
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] as const;

function fit(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'ignoredResources', 'ignoredResourceGroups', 'scoringStrategy']);
  const texts = (key: string): string[] => listOf(fields, key, '').map(String);
  const ignoredResourceGroups = texts('ignoredResourceGroups');
  for (const [i, group] of ignoredResourceGroups.entries()) {
    if (group.includes('/')) problems.add(`ignoredResourceGroups[${i}]`, `Invalid value: "${group}": resource group name can't contain '/'`);
    else for (const why of labelKeyProblems(group)) problems.add(`ignoredResourceGroups[${i}]`, `Invalid value: "${group}": ${why}`);
  }
  const ignoredResources = texts('ignoredResources');
  for (const [i, name] of ignoredResources.entries()) for (const why of labelKeyProblems(name)) problems.add(`ignoredResources[${i}]`, `Invalid value: "${name}": ${why}`);
  const out: Mutable = { ignoredResources, ignoredResourceGroups };
  if (fields.scoringStrategy === undefined) return out;
  const at = 'scoringStrategy';
  const strategy = strict(fields.scoringStrategy, at, ['type', 'resources', 'requestedToCapacityRatio']);
  const type = textOf(strategy, 'type', at) ?? '';
  if (!(STRATEGIES as readonly string[]).includes(type)) problems.add(`${at}.type`, `Unsupported value: "${type}": supported values: ${STRATEGIES.map((one) => `"${one}"`).join(', ')}`);
  const ratio = strategy.requestedToCapacityRatio;
  if (type === 'RequestedToCapacityRatio' && ratio === undefined) problems.add(`${at}.requestedToCapacityRatio`, 'Required value: must be specified when type is RequestedToCapacityRatio');
  return {
    ...out,
    strategy: type as (typeof STRATEGIES)[number],
    ...(strategy.resources !== undefined && { resources: resources(strategy, at, problems) }),
    ...(ratio !== undefined && { shape: shape(ratio, `${at}.requestedToCapacityRatio`, problems) }),
  };
}

/** Weights are looked at here only where `problems` are asked for. */
function resources(fields: Fields, path: string, problems: Problems | undefined): WeightedResource[] {
  return listOf(fields, 'resources', path).map((one, i) => {
    const at = `${path ? `${path}.` : ''}resources[${i}]`;
    const resource = strict(one, at, ['name', 'weight']);
    const weight = numberOf(resource, 'weight', at, 'int64') || 1;
    if (weight < 1 || weight > 100) problems?.add(`${at}.weight`, `Invalid value: ${weight}: resource weight of ${String(resource.name)} not in valid range (0, 100]`);
    return { name: textOf(resource, 'name', at) ?? '', weight };
  });
}

function shape(document: unknown, path: string, problems: Problems): ShapePoint[] {
  const points = listOf(strict(document, path, ['shape']), 'shape', path).map((one, i) => {
    const at = `${path}.shape[${i}]`;
    const fields = strict(one, at, ['utilization', 'score']);
    return { utilization: numberOf(fields, 'utilization', at) ?? 0, score: numberOf(fields, 'score', at) ?? 0 };
  });
  if (points.length === 0) problems.add(`${path}.shape`, 'Required value: at least one point must be specified');
  for (const [i, { utilization }] of points.entries()) {
    if (i > 0 && (points[i - 1]?.utilization ?? 0) >= utilization) {
      problems.add(`${path}.shape[${i}].utilization`, `Invalid value: ${utilization}: values must be sorted in increasing order`);
      break;
    }
  }
  for (const [i, { utilization, score }] of points.entries()) {
    if (utilization < 0 || utilization > 100) problems.add(`${path}.shape[${i}].utilization`, `Invalid value: ${utilization}: not in valid range [0, 100]`);
    if (score < 0 || score > 10) problems.add(`${path}.shape[${i}].score`, `Invalid value: ${score}: not in valid range [0, 10]`);
  }
  return points;
}

function spread(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'defaultConstraints', 'defaultingType']);
  const type = textOf(fields, 'defaultingType', '') ?? 'System';
  if (type !== 'System' && type !== 'List') problems.add('defaultingType', `Unsupported value: "${type}": supported values: "System", "List"`);
  const constraints = listOf(fields, 'defaultConstraints', '').map((one, i) => constraint(one, `defaultConstraints[${i}]`, problems));
  for (const [i, { topologyKey, whenUnsatisfiable }] of constraints.entries()) {
    const isKnown = constraints.slice(0, i).some((one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === whenUnsatisfiable);
    if (isKnown) problems.add(`defaultConstraints[${i}]`, `Duplicate value: "{${topologyKey}, ${whenUnsatisfiable}}"`);
  }
  if (type === 'System' && constraints.length > 0) problems.add('defaultingType', 'Invalid value: "System": when .defaultConstraints are not empty');
  return type === 'System' ? { spread: SYSTEM_SPREAD, spreadIsSystem: true } : { spread: constraints, spreadIsSystem: false };
}

function constraint(document: unknown, path: string, problems: Problems): SpreadDefault {
  const fields = strict(document, path, ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector', 'minDomains', 'nodeAffinityPolicy', 'nodeTaintsPolicy', 'matchLabelKeys']);
  const maxSkew = numberOf(fields, 'maxSkew', path) ?? 0;
  if (maxSkew <= 0) problems.add(`${path}.maxSkew`, `Invalid value: ${maxSkew}: not in valid range (0, inf)`);
  const topologyKey = textOf(fields, 'topologyKey', path) ?? '';
  if (topologyKey === '') problems.add(`${path}.topologyKey`, 'Required value: can not be empty');
  else for (const why of labelKeyProblems(topologyKey)) problems.add(`${path}.topologyKey`, `Invalid value: "${topologyKey}": ${why}`);
  const whenUnsatisfiable = textOf(fields, 'whenUnsatisfiable', path) ?? '';
  if (whenUnsatisfiable === '') problems.add(`${path}.whenUnsatisfiable`, 'Required value: can not be empty');
  else if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') problems.add(`${path}.whenUnsatisfiable`, `Unsupported value: "${whenUnsatisfiable}": supported values: "DoNotSchedule", "ScheduleAnyway"`);
  if (fields.labelSelector !== undefined) problems.add(`${path}.labelSelector`, 'Forbidden: constraint must not define a selector, as they deduced for each pod');
  return { maxSkew, topologyKey, whenUnsatisfiable };
}

function volumeBinding(args: unknown, problems: Problems): Mutable {
  const fields = strict(args, '', [...META, 'bindTimeoutSeconds', 'shape']);
  const bindTimeoutSeconds = numberOf(fields, 'bindTimeoutSeconds', '', 'int64') ?? 600;
  if (bindTimeoutSeconds < 0) problems.add('bindTimeoutSeconds', `Invalid value: ${bindTimeoutSeconds}: invalid BindTimeoutSeconds, should not be a negative value`);
  if (fields.shape !== undefined) {
    const shown = listOf(fields, 'shape', '').map((one) => ({ Utilization: (one as Fields).utilization ?? 0, Score: (one as Fields).score ?? 0 }));
    problems.add('shape', `Invalid value: ${JSON.stringify(shown)}: unexpected field \`shape\`, remove it or turn on the feature gate StorageCapacityScoring`);
  }
  return { bindTimeoutSeconds };
}

function ranged(fields: Fields, key: string, problems: Problems, [low, high]: readonly [number, number]): number | undefined {
  const value = numberOf(fields, key, '');
  if (value !== undefined && (value < low || value > high)) problems.add(key, `Invalid value: ${value}: not in valid range [${low}, ${high === Infinity ? 'inf)' : `${high}]`}`);
  return value;
}
