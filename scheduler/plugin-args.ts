/** What a profile's `pluginConfig` tells the plugins: each plugin's arguments, checked, as parts of the profile. */
import type { NodeAffinity } from '../api/types/core.v1.ts';
import { type Profile, SYSTEM_SPREAD, type ShapePoint, type SpreadDefault, type WeightedResource } from './profile.ts';
import { type Fields, durationOf, flagOf, listOf, numberOf, strict, textOf } from './strict.ts';

type Mutable = { -readonly [K in keyof Profile]?: Profile[K] };

/** A plugin's arguments become parts of the profile. */
const READERS: Readonly<Record<string, (args: unknown, path: string) => Mutable>> = {
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

export function argsOf(list: readonly unknown[], path: string): Mutable {
  const out: Mutable = {};
  const seen = new Set<string>();
  for (const [i, one] of list.entries()) {
    const at = `${path}[${i}]`;
    const fields = strict(one, at, ['name', 'args']);
    const name = textOf(fields, 'name', at) ?? '';
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (!read) throw new Error(`${at}: there are no arguments of a plugin ${JSON.stringify(name)}; there are those of ${Object.keys(READERS).join(', ')}`);
    if (seen.has(name)) throw new Error(`${at}: Duplicate value: "${name}"`);
    seen.add(name);
    Object.assign(out, read(fields.args ?? {}, `${at}.args`));
  }
  return out;
}

function preemption(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'minCandidateNodesPercentage', 'minCandidateNodesAbsolute']);
  const candidatesPercentage = ranged(fields, 'minCandidateNodesPercentage', path, [0, 100]) ?? 10;
  const candidatesLeast = ranged(fields, 'minCandidateNodesAbsolute', path, [0, Infinity]) ?? 100;
  if (candidatesPercentage === 0 && candidatesLeast === 0) throw new Error(`${path}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute`);
  return { candidatesPercentage, candidatesLeast };
}

function dynamicResources(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'filterTimeout', 'bindingTimeout']);
  // Filters here look at one pod without waiting for anything: there is nothing that a time limit would end.
  durationOf(fields, 'filterTimeout', path);
  const prepareTimeoutMs = durationOf(fields, 'bindingTimeout', path);
  return prepareTimeoutMs === undefined ? {} : { prepareTimeoutMs };
}

function podAffinity(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods']);
  return {
    hardPodAffinityWeight: ranged(fields, 'hardPodAffinityWeight', path, [0, 100]) ?? 1,
    ignorePreferredTermsOfExistingPods: flagOf(fields, 'ignorePreferredTermsOfExistingPods', path) ?? false,
  };
}

function nodeAffinity(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'addedAffinity']);
  if (fields.addedAffinity === undefined || fields.addedAffinity === null) return {};
  const at = `${path}.addedAffinity`;
  const added = strict(fields.addedAffinity, at, ['requiredDuringSchedulingIgnoredDuringExecution', 'preferredDuringSchedulingIgnoredDuringExecution']);
  const required = added.requiredDuringSchedulingIgnoredDuringExecution;
  if (required !== undefined && listOf(strict(required, at, ['nodeSelectorTerms']), 'nodeSelectorTerms', at).length === 0) throw new Error(`${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term`);
  listOf(added, 'preferredDuringSchedulingIgnoredDuringExecution', at);
  return { addedAffinity: added as NodeAffinity };
}

function balanced(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'resources']);
  if (fields.resources === undefined) return {};
  const list = resources(fields, path);
  for (const [i, { name, weight }] of list.entries()) {
    if (list.findIndex((one) => one.name === name) < i) throw new Error(`${path}.resources[${i}].name: Duplicate value: "${name}"`);
    if (weight !== 1) throw new Error(`${path}.resources[${i}].weight: Invalid value: ${weight}: must be 1`);
  }
  return { balanced: list.map(({ name }) => name) };
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] as const;

function fit(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'ignoredResources', 'ignoredResourceGroups', 'scoringStrategy']);
  const texts = (key: string): string[] => listOf(fields, key, path).map(String);
  const ignoredResourceGroups = texts('ignoredResourceGroups');
  for (const [i, group] of ignoredResourceGroups.entries()) if (group.includes('/')) throw new Error(`${path}.ignoredResourceGroups[${i}]: Invalid value: "${group}": resource group name can't contain '/'`);
  const out: Mutable = { ignoredResources: texts('ignoredResources'), ignoredResourceGroups };
  if (fields.scoringStrategy === undefined) return out;
  const at = `${path}.scoringStrategy`;
  const strategy = strict(fields.scoringStrategy, at, ['type', 'resources', 'requestedToCapacityRatio']);
  const type = textOf(strategy, 'type', at) ?? 'LeastAllocated';
  if (!(STRATEGIES as readonly string[]).includes(type)) throw new Error(`${at}.type: Unsupported value: "${type}": supported values: ${STRATEGIES.map((one) => `"${one}"`).join(', ')}`);
  const ratio = strategy.requestedToCapacityRatio;
  if ((type === 'RequestedToCapacityRatio') !== (ratio !== undefined)) {
    throw new Error(ratio === undefined ? `${at}.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio` : `${at}.requestedToCapacityRatio: Forbidden: must be nil when type is not RequestedToCapacityRatio`);
  }
  return {
    ...out,
    strategy: type as (typeof STRATEGIES)[number],
    ...(strategy.resources !== undefined && { resources: resources(strategy, at) }),
    ...(ratio !== undefined && { shape: shape(ratio, `${at}.requestedToCapacityRatio`) }),
  };
}

function resources(fields: Fields, path: string): WeightedResource[] {
  return listOf(fields, 'resources', path).map((one, i) => {
    const at = `${path}.resources[${i}]`;
    const resource = strict(one, at, ['name', 'weight']);
    const weight = numberOf(resource, 'weight', at) || 1;
    if (weight < 1 || weight > 100) throw new Error(`${at}.weight: Invalid value: ${weight}: resource weight of ${String(resource.name)} not in valid range [1, 100]`);
    return { name: textOf(resource, 'name', at) ?? '', weight };
  });
}

function shape(document: unknown, path: string): ShapePoint[] {
  const points = listOf(strict(document, path, ['shape']), 'shape', path).map((one, i) => {
    const at = `${path}.shape[${i}]`;
    const fields = strict(one, at, ['utilization', 'score']);
    return { utilization: ranged(fields, 'utilization', at, [0, 100]) ?? 0, score: ranged(fields, 'score', at, [0, 10]) ?? 0 };
  });
  if (points.length === 0) throw new Error(`${path}.shape: Required value: at least one point must be specified`);
  for (const [i, { utilization }] of points.entries()) {
    if (i > 0 && (points[i - 1]?.utilization ?? 0) >= utilization) throw new Error(`${path}.shape[${i}].utilization: Invalid value: ${utilization}: values must be sorted in increasing order`);
  }
  return points;
}

function spread(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'defaultConstraints', 'defaultingType']);
  const type = textOf(fields, 'defaultingType', path) ?? 'System';
  if (type !== 'System' && type !== 'List') throw new Error(`${path}.defaultingType: Unsupported value: "${type}": supported values: "System", "List"`);
  const constraints = listOf(fields, 'defaultConstraints', path).map((one, i) => constraint(one, `${path}.defaultConstraints[${i}]`));
  if (type === 'System' && constraints.length > 0) throw new Error(`${path}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty`);
  return type === 'System' ? { spread: SYSTEM_SPREAD, spreadIsSystem: true } : { spread: constraints, spreadIsSystem: false };
}

function constraint(document: unknown, path: string): SpreadDefault {
  const fields = strict(document, path, ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector']);
  if (fields.labelSelector !== undefined) throw new Error(`${path}.labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`);
  const maxSkew = numberOf(fields, 'maxSkew', path) ?? 0;
  if (maxSkew <= 0) throw new Error(`${path}.maxSkew: Invalid value: ${maxSkew}: not in valid range (0, inf)`);
  const topologyKey = textOf(fields, 'topologyKey', path) ?? '';
  if (topologyKey === '') throw new Error(`${path}.topologyKey: Required value: can not be empty`);
  const whenUnsatisfiable = textOf(fields, 'whenUnsatisfiable', path) ?? '';
  if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') throw new Error(`${path}.whenUnsatisfiable: Unsupported value: "${whenUnsatisfiable}": supported values: "DoNotSchedule", "ScheduleAnyway"`);
  return { maxSkew, topologyKey, whenUnsatisfiable };
}

function volumeBinding(args: unknown, path: string): Mutable {
  const fields = strict(args, path, [...META, 'bindTimeoutSeconds', 'shape']);
  if (fields.shape !== undefined) throw new Error(`${path}.shape: scores by storage capacity are not supported (StorageCapacityScoring)`);
  const bindTimeoutSeconds = numberOf(fields, 'bindTimeoutSeconds', path) ?? 600;
  if (bindTimeoutSeconds < 0) throw new Error(`${path}.bindTimeoutSeconds: Invalid value: ${bindTimeoutSeconds}: invalid BindTimeoutSeconds, should not be a negative value`);
  return { bindTimeoutSeconds };
}

function ranged(fields: Fields, key: string, path: string, [low, high]: readonly [number, number]): number | undefined {
  const value = numberOf(fields, key, path);
  if (value !== undefined && (value < low || value > high)) throw new Error(`${path}.${key}: Invalid value: ${value}: not in valid range [${low}, ${high === Infinity ? 'inf)' : `${high}]`}`);
  return value;
}
