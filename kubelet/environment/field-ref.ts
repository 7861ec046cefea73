/** The values that a pod may ask of itself: downward API, for the environment and for files. */
import { parseQuantity } from '../../api/quantity.ts';
import type { PodObject } from '../pod.ts';

/** What the pod does not know of itself. */
export interface PodFacts {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  /** Stands in for a limit that is not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Undefined where the path names nothing that can be asked for. */
export function fieldValue(pod: PodObject, path: string, facts: PodFacts): string | undefined {
  const { name, namespace, uid, labels = {}, annotations = {} } = pod.metadata as PodObject['metadata'] & { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> };
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return (subscript[1] === 'labels' ? labels : annotations)[subscript[2] as string] ?? '';
  switch (path) {
    case 'metadata.name':
      return name;
    case 'metadata.namespace':
      return namespace;
    case 'metadata.uid':
      return uid;
    case 'metadata.labels':
      return mapText(labels);
    case 'metadata.annotations':
      return mapText(annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.hostIps[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIps.join(',');
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      return undefined;
  }
}

interface ResourceSelector {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

/** `limits.cpu` of a container in units of the divisor, rounded up. */
export function resourceValue(pod: PodObject, selector: ResourceSelector, ownName: string, facts: PodFacts): string | undefined {
  const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === (selector.containerName ?? ownName));
  const [, kind, resource = ''] = /^(requests|limits)\.(.+)$/.exec(selector.resource) ?? [];
  if (!spec || !kind) return undefined;
  const list = kind === 'limits' ? { ...facts.allocatable, ...spec.resources?.limits } : (spec.resources?.requests ?? {});
  const amount = parseQuantity(list[resource] ?? '0')?.nano ?? 0n;
  const given = parseQuantity(selector.divisor ?? '0')?.nano ?? 0n;
  const divisor = given === 0n ? 1_000_000_000n : given;
  return String((amount + divisor - 1n) / divisor);
}

/** One `key="value"` per line, in the order of keys. */
function mapText(map: Readonly<Record<string, string>>): string {
  return Object.keys(map).sort().map((key) => `${key}=${JSON.stringify(map[key])}`).join('\n');
}
