/** Whether this node takes a pod: what it asks for must still be free, its host ports too, and its selector must fit. */
import { isExtendedResource } from '../api/kinds/shared/resource-list.ts';
import { milliValue, parseQuantity, value } from '../api/quantity.ts';
import { fitsNode } from '../api/selectors/node-selector.ts';
import { tolerates } from '../api/tolerates.ts';
import { isCritical } from './eviction/critical.ts';
import type { PressureType } from './eviction/thresholds.ts';
import type { PodObject } from './pod.ts';
import { podRequests, qosClass } from './resources.ts';
import { forbiddenSysctl } from './sysctls.ts';

export interface AdmissionInput {
  readonly pod: PodObject;
  /** The pods that the node has taken and that are not over. */
  readonly others: readonly PodObject[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string;
  /** Devices as well as containers are simulated: any claim can be prepared. */
  readonly isSimulated: boolean;
  /** What the node runs short of. */
  readonly pressures: readonly PressureType[];
}

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

const NANO_PER_MILLI = 1_000_000n;
const NANO_PER_UNIT = 1_000_000_000n;

export function refuse(input: AdmissionInput): Refusal | undefined {
  return underPressure(input) ?? forbidden(input) ?? wrongSystem(input) ?? unsupported(input) ?? outOfResources(input) ?? unfitSelector(input) ?? takenPorts(input);
}

/** Who asked for nothing would be the first to go when memory is short, and everybody takes disk. */
function underPressure({ pod, pressures }: AdmissionInput): Refusal | undefined {
  if (pressures.length === 0 || isCritical(pod)) return undefined;
  const isMemoryAlone = pressures.every((type) => type === 'MemoryPressure');
  if (isMemoryAlone && (qosClass(pod) !== 'BestEffort' || (pod.spec.tolerations ?? []).some((one) => tolerates(one, MEMORY_TAINT)))) return undefined;
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(' ')}]. ` };
}

const MEMORY_TAINT = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };

function forbidden({ pod }: AdmissionInput): Refusal | undefined {
  const why = forbiddenSysctl(pod);
  return why === undefined ? undefined : { reason: 'SysctlForbidden', message: why };
}

function wrongSystem({ pod }: AdmissionInput): Refusal | undefined {
  const { os } = pod.spec;
  if (!os?.name || os.name === 'linux') return undefined;
  return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
}

/** What a pod may ask for and this node cannot do. To start it without would be worse than not to start it. */
function unsupported({ pod, isSimulated }: AdmissionInput): Refusal | undefined {
  const { hostUsers, resourceClaims, securityContext } = pod.spec;
  const specs = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const profiles = [securityContext, ...specs.map((spec) => spec.securityContext)].map((context) => context?.appArmorProfile?.type);
  const wanted: [string, boolean][] = [
    ['user namespaces (hostUsers: false)', hostUsers === false],
    ['resource claims', !isSimulated && (resourceClaims ?? []).length > 0],
    ['supplementalGroupsPolicy: Strict', securityContext?.supplementalGroupsPolicy === 'Strict'],
    ['block devices (volumeDevices)', specs.some(({ volumeDevices = [] }) => volumeDevices.length > 0)],
    ['recursive read-only mounts', specs.some(({ volumeMounts = [] }) => volumeMounts.some(({ recursiveReadOnly }) => recursiveReadOnly === 'Enabled'))],
    ['AppArmor profiles of type Localhost', profiles.includes('Localhost')],
    ['the restart of all containers (RestartAllContainers)', specs.some(({ restartPolicyRules = [] }) => restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'))],
  ];
  const named = wanted.filter(([, isWanted]) => isWanted).map(([name]) => name);
  return named.length === 0 ? undefined : { reason: 'Unsupported', message: `this node does not support ${named.join(', ')}` };
}

function outOfResources({ pod, others, allocatable }: AdmissionInput): Refusal | undefined {
  const podsLimit = parseQuantity(allocatable['pods'] ?? '0');
  if (podsLimit && others.length + 1 > value(podsLimit)) return insufficient('pods', BigInt(1), BigInt(others.length), BigInt(value(podsLimit)));
  const used = new Map<string, bigint>();
  for (const other of others) for (const [name, amount] of podRequests(other)) used.set(name, (used.get(name) ?? 0n) + amount);
  for (const [name, amount] of podRequests(pod)) {
    // What the node does not know others count, or devices of claims stand for it.
    if (amount === 0n || (allocatable[name] === undefined && isExtendedResource(name))) continue;
    const free = parseQuantity(allocatable[name] ?? '0');
    const capacity = free?.nano ?? 0n;
    const taken = used.get(name) ?? 0n;
    if (amount + taken <= capacity) continue;
    const unit = name === 'cpu' ? NANO_PER_MILLI : NANO_PER_UNIT;
    return insufficient(name, amount / unit, taken / unit, name === 'cpu' && free ? BigInt(milliValue(free)) : capacity / unit);
  }
  return undefined;
}

function insufficient(resource: string, requested: bigint, used: bigint, capacity: bigint): Refusal {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, ${amounts}` };
}

function takenPorts({ pod, others }: AdmissionInput): Refusal | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const taken = others.flatMap(hostPorts);
  const clashes = wanted.some((mine) => taken.some((theirs) => mine.protocol === theirs.protocol && mine.port === theirs.port && (mine.ip === theirs.ip || mine.ip === ANY || theirs.ip === ANY)));
  return clashes ? { reason: 'NodePorts', message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" } : undefined;
}

const ANY = '0.0.0.0';

function hostPorts(pod: PodObject): { readonly ip: string; readonly protocol: string; readonly port: number }[] {
  return [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, hostIP, protocol = 'TCP' }) => {
      const port = hostPort ?? (pod.spec.hostNetwork ? containerPort : 0);
      return port ? [{ ip: hostIP || ANY, protocol, port }] : [];
    }),
  );
}

function unfitSelector({ pod, labels, nodeName }: AdmissionInput): Refusal | undefined {
  if (fitsNode(pod.spec, labels, nodeName)) return undefined;
  return { reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" };
}
