/** Priority: a pod's number comes from its PriorityClass, never from its author. */
import { priorityclasses } from '../../api/resources.ts';
import type { Pod, PodSpec } from '../../api/types/core.v1.ts';
import type { PriorityClass } from '../../api/types/scheduling.v1.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

export function priority(reader: Reader): AdmissionPlugin {
  const defaults = new Defaults(reader);
  return {
    name: 'Priority',
    handles: (request) => (request.operation === 'CREATE' || request.operation === 'UPDATE') && (isAbout(request, 'pods') || isAbout(request, 'scheduling.k8s.io/priorityclasses')),
    mutate(request) {
      if (request.kind.plural === 'pods') return admitPod(request, reader, defaults);
      return undefined;
    },
    validate(request) {
      const created = request.object as unknown as PriorityClass;
      if (request.kind.plural !== 'priorityclasses' || !created.globalDefault) return;
      const known = defaults.one;
      if (known && (request.operation === 'CREATE' || known.metadata.name !== request.name)) {
        throw refused(request, `PriorityClass ${known.metadata.name} is already marked as default. Only one default can exist`);
      }
    },
  };
}

function admitPod(request: AdmissionRequest, reader: Reader, defaults: Defaults): void | Promise<void> {
  const { spec } = request.object as unknown as Pod;
  if (!spec) return undefined;
  if (request.operation === 'UPDATE') {
    const old = (request.old as unknown as Pod | undefined)?.spec;
    if (spec.priority === undefined && old?.priority !== undefined) spec.priority = old.priority;
    if (spec.preemptionPolicy === undefined && old?.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy;
    return undefined;
  }
  const name = spec.priorityClassName;
  const found = name ? reader.get(priorityclasses, '', name) : defaults.one;
  if (found || !name) return takeOver(request, spec, found);
  // The system's own classes may be asked for before the cache has them.
  return reader.getFresh(priorityclasses, '', name).then((fresh) => {
    if (!fresh) throw refused(request, `no PriorityClass with name ${name} was found`);
    takeOver(request, spec, fresh);
  });
}

function takeOver(request: AdmissionRequest, spec: PodSpec, found: Stored<PriorityClass> | undefined): void {
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

/** The classes that are marked as the default, kept up to date. */
class Defaults {
  readonly #marked = new Map<string, Stored<PriorityClass>>();

  constructor(reader: Reader) {
    reader.onChange(priorityclasses, ({ type, name, object }) => {
      this.#marked.delete(name);
      if (type === 'set' && object.globalDefault) this.#marked.set(name, object);
    });
  }

  /** Of several that race brought about, the one with the lowest value. */
  get one(): Stored<PriorityClass> | undefined {
    if (this.#marked.size === 0) return undefined;
    return [...this.#marked.values()].sort((a, b) => a.value - b.value || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
  }
}
