/** Priority: a pod's number comes from its PriorityClass, never from its author. */
import { priorityclasses } from '../../api/resources.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { PriorityClass } from '../../api/types/scheduling.v1.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

export function priority(reader: Reader): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: (request) => (request.operation === 'CREATE' || request.operation === 'UPDATE') && (isAbout(request, 'pods') || isAbout(request, 'scheduling.k8s.io/priorityclasses')),
    mutate(request) {
      if (request.kind.plural === 'pods') return admitPod(request, reader);
    },
    validate(request) {
      const created = request.object as unknown as PriorityClass;
      if (request.kind.plural !== 'priorityclasses' || !created.globalDefault) return;
      const known = globalDefault(reader);
      if (known && (request.operation === 'CREATE' || known.metadata.name !== request.name)) {
        throw refused(request, `PriorityClass ${known.metadata.name} is already marked as default. Only one default can exist`);
      }
    },
  };
}

async function admitPod(request: AdmissionRequest, reader: Reader): Promise<void> {
  const { spec } = request.object as unknown as Pod;
  if (!spec) return;
  if (request.operation === 'UPDATE') {
    const old = (request.old as unknown as Pod | undefined)?.spec;
    if (spec.priority === undefined && old?.priority !== undefined) spec.priority = old.priority;
    if (spec.preemptionPolicy === undefined && old?.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy;
    return;
  }
  const found = await classOf(request, spec.priorityClassName, reader);
  if (found) spec.priorityClassName = found.metadata.name;
  const value = found?.value ?? 0;
  const policy = found ? found.preemptionPolicy : 'PreemptLowerPriority';
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refused(request, `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
  }
  spec.priority = value;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refused(request, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`);
  }
  spec.preemptionPolicy = policy;
}

async function classOf(request: AdmissionRequest, name: string | undefined, reader: Reader): Promise<Stored<PriorityClass> | undefined> {
  if (!name) return globalDefault(reader);
  // The system's own classes may be asked for before the cache has them.
  const found = reader.get(priorityclasses, '', name) ?? (await reader.getFresh(priorityclasses, '', name));
  if (!found) throw refused(request, `no PriorityClass with name ${name} was found`);
  return found;
}

/** Of several that race brought about, the one with the lowest value. */
function globalDefault(reader: Reader): Stored<PriorityClass> | undefined {
  const marked = reader.list(priorityclasses).filter((candidate) => candidate.globalDefault);
  return marked.reduce<Stored<PriorityClass> | undefined>((lowest, candidate) => (lowest && lowest.value <= candidate.value ? lowest : candidate), undefined);
}
