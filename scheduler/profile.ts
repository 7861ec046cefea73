/** A scheduling profile: which plugins look at a pod, how much each score weighs, and what the plugins were told. */
import type { NodeAffinity } from '../api/types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { HOSTNAME } from './topology.ts';

/** In the order in which they are asked. */
export const PLUGINS = [
  'SchedulingGates',
  'PrioritySort',
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'DefaultPreemption',
  'NodeResourcesBalancedAllocation',
  'ImageLocality',
  'DefaultBinder',
  'NodeDeclaredFeatures',
] as const;
export type PluginName = (typeof PLUGINS)[number];

export const FILTERS = [
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
  'PodTopologySpread',
  'InterPodAffinity',
  'DynamicResources',
  'NodeDeclaredFeatures',
] as const satisfies readonly PluginName[];

/** Those that score, with what their scores weigh where nothing else is said. */
export const DEFAULT_WEIGHTS = {
  TaintToleration: 3,
  NodeAffinity: 2,
  NodeResourcesFit: 1,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  DynamicResources: 2,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
} as const satisfies Partial<Record<PluginName, number>>;
export type ScoringPlugin = keyof typeof DEFAULT_WEIGHTS;

export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

export interface ShapePoint {
  /** In percent. */
  readonly utilization: number;
  /** From 0 to 10. */
  readonly score: number;
}

export interface SpreadDefault {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly whenUnsatisfiable: string;
}

export interface Profile {
  /** Pods that ask for this scheduler are looked at so. */
  readonly name: string;
  /** The filters that are on. */
  readonly filters: ReadonlySet<string>;
  /** What each score weighs; 0: it is off. */
  readonly weights: Readonly<Record<ScoringPlugin, number>>;
  /** Whether less important pods are evicted for one that fits nowhere. */
  readonly preempts: boolean;
  /** Whether pods with gates wait outside. */
  readonly mindsGates: boolean;
  /** Whether allocations of devices that are of no use to such a one are given up. */
  readonly deallocates: boolean;
  readonly strategy: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly WeightedResource[];
  readonly shape: readonly ShapePoint[];
  readonly ignoredResources: readonly string[];
  /** Prefixes of names: everything before the slash. */
  readonly ignoredResourceGroups: readonly string[];
  readonly balanced: readonly string[];
  readonly addedAffinity: DeepReadonly<NodeAffinity> | undefined;
  /** How much a required affinity of a pod on a node attracts the pods that it selects. */
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods: boolean;
  /** Constraints of pods that have none of their own. */
  readonly spread: readonly SpreadDefault[];
  /** Whether the constraints above are the system's: they make do with the labels that are there. */
  readonly spreadIsSystem: boolean;
  readonly bindTimeoutSeconds: number;
  /** How long devices may take to be prepared for a pod. */
  readonly prepareTimeoutMs: number;
  readonly candidatesPercentage: number;
  readonly candidatesLeast: number;
  /** 0: all nodes are looked at. */
  readonly percentageOfNodesToScore: number;
}

export const SYSTEM_SPREAD: readonly SpreadDefault[] = [
  { maxSkew: 3, topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway' },
  { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
];

export const DEFAULT_PROFILE: Profile = {
  name: 'default-scheduler',
  filters: new Set(FILTERS),
  weights: DEFAULT_WEIGHTS,
  preempts: true,
  mindsGates: true,
  deallocates: true,
  strategy: 'LeastAllocated',
  resources: [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ],
  shape: [],
  ignoredResources: [],
  ignoredResourceGroups: [],
  balanced: ['cpu', 'memory'],
  addedAffinity: undefined,
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
  spread: SYSTEM_SPREAD,
  spreadIsSystem: true,
  bindTimeoutSeconds: 600,
  prepareTimeoutMs: 600_000,
  candidatesPercentage: 10,
  candidatesLeast: 100,
  percentageOfNodesToScore: 0,
};
