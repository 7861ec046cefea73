/** RuntimeClass: a pod takes overhead, node selector and tolerations from the class that it names. */
import { goQuote } from '../../api/go-quote.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { runtimeclasses } from '../../api/resources.ts';
import type { Pod, Toleration } from '../../api/types/core.v1.ts';
import type { RuntimeClass } from '../../api/types/node.v1.ts';
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

export function runtimeClass(reader: Reader): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, 'pods'),
    mutate(request) {
      const name = (request.object as unknown as Pod).spec?.runtimeClassName;
      return name === undefined ? undefined : find(request, name, reader).then((found) => takeOver(request, found));
    },
    validate(request) {
      const { spec } = request.object as unknown as Pod;
      if (spec?.runtimeClassName === undefined && spec?.overhead === undefined) return undefined;
      return find(request, spec.runtimeClassName, reader).then((found) => {
        if (found?.overhead) {
          if (!sameAmounts(found.overhead.podFixed, spec.overhead)) throw refused(request, MISMATCH);
        } else if (spec.overhead !== undefined) throw refused(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      });
    },
  };
}

async function find(request: AdmissionRequest, name: string | undefined, reader: Reader): Promise<Stored<RuntimeClass> | undefined> {
  if (name === undefined) return undefined;
  const found = reader.get(runtimeclasses, '', name) ?? (await reader.getFresh(runtimeclasses, '', name));
  if (!found) throw refused(request, `pod rejected: RuntimeClass ${goQuote(name)} not found`);
  return found;
}

function takeOver(request: AdmissionRequest, found: Stored<RuntimeClass> | undefined): void {
  const { spec } = request.object as unknown as Pod;
  if (!found || !spec) return;
  if (found.overhead) {
    if (spec.overhead && Object.keys(spec.overhead).length > 0 && !sameAmounts(found.overhead.podFixed, spec.overhead)) throw refused(request, MISMATCH);
    if (found.overhead.podFixed) spec.overhead = { ...found.overhead.podFixed };
  }
  if (!found.scheduling) return;
  for (const [key, value] of Object.entries(found.scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) throw refused(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    (spec.nodeSelector ??= {})[key] = value;
  }
  const tolerations = spec.tolerations ?? [];
  const added = (deepCopy(found.scheduling.tolerations ?? []) as Toleration[]).filter((toleration) => !tolerations.some((own) => deepEqual(own, toleration)));
  if (added.length > 0) spec.tolerations = [...tolerations, ...added];
}

function sameAmounts(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => parseQuantity(a[name] ?? '')?.nano === parseQuantity(b[name] ?? '')?.nano && (name in a) === (name in b));
}
