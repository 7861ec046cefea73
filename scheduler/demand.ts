/** What a pod asks of a node, taken once from its spec; pods that ask the same share one signature and its memoised results. */
import type { NodeSelector, Pod, PodSpec, PreferredSchedulingTerm, Toleration } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { hasDisks } from './disks.ts';
import { imagesOf } from './images.ts';
import { SCORING_DEFAULTS, podRequests } from './requests.ts';
import { type Affinity, NO_AFFINITY, affinityOf } from './terms.ts';
import { claimsOf } from './pod-claims.ts';
import type { HostPort } from './ports.ts';

export interface Demand {
  /** Equal for pods that look the same to all filters and scores which see only the node and what it has given away. */
  readonly signature: string;
  /** cpu in thousandths, everything else in units (bytes). */
  readonly requests: ReadonlyMap<string, number>;
  /** As scoring counts them: containers without a request count as a small one. */
  readonly nonzeroCpu: number;
  readonly nonzeroMemory: number;
  readonly ports: readonly HostPort[];
  readonly nodeName: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly required: DeepReadonly<NodeSelector> | undefined;
  readonly preferred: readonly DeepReadonly<PreferredSchedulingTerm>[];
  readonly tolerations: readonly DeepReadonly<Toleration>[];
  /** Names of the images it runs, once per container. */
  readonly images: readonly string[];
  readonly containers: number;
  readonly priority: number;
  /** Claims it uses: `namespace/name`. */
  readonly claims: readonly string[];
  readonly affinity: Affinity;
  /** Abilities that not every kubelet has. */
  readonly features: readonly string[];
  /** Whether it names disks that cannot be shared. */
  readonly disks: boolean;
  /** Whether it has claims of devices. */
  readonly devices: boolean;
}

/** Newer states of a pod mostly share its spec with the older ones; what its status tells of resources counts as well, where it does. */
const known = new WeakMap<object, { readonly uid: string; readonly demand: Demand }>();

export function demandOf(pod: Stored<Pod>): Demand {
  const { spec, status } = pod;
  if (status?.containerStatuses || status?.initContainerStatuses || status?.resources) return newDemand(pod);
  const { uid } = pod.metadata;
  const before = known.get(spec);
  if (before?.uid === uid) return before.demand;
  const demand = alike(newDemand(pod));
  known.set(spec, { uid, demand });
  return demand;
}

/** Most pods ask for what others ask for, and nothing of their own: they have one demand together. So many are remembered, then all forgotten. */
const shared = new Map<string, Demand>();
const SHARED_LIMIT = 1_024;

function alike(demand: Demand): Demand {
  const { signature, priority, claims, affinity, features, disks, devices } = demand;
  if (claims.length > 0 || affinity !== NO_AFFINITY || features.length > 0 || disks || devices) return demand;
  const key = `${priority} ${signature}`;
  const before = shared.get(key);
  if (before) return before;
  if (shared.size >= SHARED_LIMIT) shared.clear();
  shared.set(key, demand);
  return demand;
}

function newDemand(pod: Stored<Pod>): Demand {
  const spec = pod.spec;
  const requests = podRequests(pod);
  const nonzero = podRequests(pod, SCORING_DEFAULTS);
  const affinity = spec.affinity?.nodeAffinity;
  const facts = {
    ports: hostPorts(spec),
    nodeName: spec.nodeName ?? '',
    nodeSelector: spec.nodeSelector ?? {},
    required: affinity?.requiredDuringSchedulingIgnoredDuringExecution,
    preferred: affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
    tolerations: spec.tolerations ?? [],
    images: imagesOf(spec),
    containers: spec.containers.length + (spec.initContainers?.length ?? 0),
  };
  const amounts = { nonzeroCpu: nonzero.get('cpu') ?? 0, nonzeroMemory: nonzero.get('memory') ?? 0 };
  return {
    signature: JSON.stringify([facts, [...requests], amounts]),
    requests,
    ...amounts,
    ...facts,
    priority: spec.priority ?? 0,
    claims: claimsOf(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`),
    affinity: spec.affinity?.podAffinity || spec.affinity?.podAntiAffinity ? affinityOf(spec.affinity, pod.metadata.namespace) : NO_AFFINITY,
    features: featuresOf(spec),
    disks: hasDisks(pod),
    devices: (spec.resourceClaims?.length ?? 0) > 0,
  };
}

/** As component-helpers' nodedeclaredfeatures of v0.36 infers them for scheduling. */
function featuresOf(spec: DeepReadonly<PodSpec>): string[] {
  const restarts = [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'));
  const users = spec.hostNetwork === true && spec.hostUsers === false;
  return [...(restarts ? ['RestartAllContainersOnContainerExits'] : []), ...(users ? ['UserNamespacesHostNetworkSupport'] : [])];
}

function hostPorts(spec: DeepReadonly<PodSpec>): HostPort[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({ protocol: port.protocol ?? 'TCP', ip: port.hostIP || '0.0.0.0', port: port.hostPort as number })),
  );
}
