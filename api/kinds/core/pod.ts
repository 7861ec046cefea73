/** Pods. */
import type { FieldError } from '../../field-error.ts';
import type { Metadata, RuleContext } from '../../kind.ts';
import type { Container, Pod, PodStatus } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { dropGatedFields, dropGatedStatus } from '../shared/gated-fields.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPod } from '../shared/pod-spec-defaults.ts';
import { podWarnings } from '../shared/pod-warnings.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { ALL_METADATA } from '../shared/split-strategy.ts';
import { podColumns, podRowConditions } from './pod-columns.ts';
import { prepareNewPod } from './pod-create.ts';
import { validatePod, validatePodUpdate } from './pod-rules.ts';
import { validatePodResize } from './pod-resize-rules.ts';
import { validateEphemeralContainers, validatePodStatus } from './pod-status-rules.ts';

export const pod = rulesFor<Pod>({
  defaults(object) {
    defaultPod(object);
    if (object.status) roundStatus(object.status);
  },
  strategy: {
    alike: 'spec',
    prepareForCreate: (object, { now }) => prepareNewPod(object, now),
    prepareForUpdate(object, old, context) {
      (PREPARE[context.subresource] ?? prepareChange)(object, old);
    },
    validate: validatePod,
    validateUpdate: (object, old, { subresource }) => (CHANGE_RULES[subresource] ?? validatePodUpdate)(object, old),
    warnings: (object, old) => (old ? [] : [...podNameWarning(object.metadata.name, "the Pod's hostname"), ...podWarnings(object)]),
    movesGeneration: (object, old, context?: RuleContext) => context?.subresource !== 'status' && !semanticEqual(object.spec, old.spec),
    gracePeriodSeconds(object, asked) {
      const phase = object.status?.phase;
      if (!object.spec.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0;
      const period = asked ?? object.spec.terminationGracePeriodSeconds ?? 0;
      return period < 0 ? 1 : period;
    },
  },
  columns: podColumns,
  rowConditions: podRowConditions,
  selectableFields: {
    'spec.nodeName': (object) => object.spec.nodeName ?? '',
    'spec.host': (object) => object.spec.nodeName ?? '',
    'spec.restartPolicy': (object) => object.spec.restartPolicy ?? '',
    'spec.schedulerName': (object) => object.spec.schedulerName ?? '',
    'spec.serviceAccountName': (object) => object.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String(object.spec.hostNetwork ?? false),
    'status.phase': (object) => object.status?.phase ?? '',
    'status.podIP': (object) => object.status?.podIPs?.[0]?.ip ?? '',
    // Upstream takes this one but never fills it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': (object) => object.status?.nominatedNodeName ?? '',
  },
});

const CHANGE_RULES: Readonly<Record<string, (object: Pod, old: Pod) => FieldError[]>> = {
  status: validatePodStatus,
  ephemeralcontainers: validateEphemeralContainers,
  resize: validatePodResize,
};

function roundStatus(status: PodStatus): void {
  const holders = [status, ...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])];
  for (const { resources, allocatedResources } of holders) for (const list of [resources?.limits, resources?.requests, allocatedResources]) if (list) roundUpToMilli(list);
}

type Prepare = (object: Pod, old: Pod) => void;

const PREPARE: Readonly<Record<string, Prepare>> = {
  status(object, old) {
    object.spec = old.spec;
    keepMetadata(object, old, ['deletionTimestamp', 'ownerReferences']);
    if (object.status && !object.status.qosClass && old.status?.qosClass) object.status.qosClass = old.status.qosClass;
    keepObservedGenerations(object, old);
    dropGatedStatus(object);
  },
  ephemeralcontainers(object, old) {
    const added = object.spec.ephemeralContainers;
    keepAll(object, old);
    if (added) object.spec.ephemeralContainers = added;
    else delete object.spec.ephemeralContainers;
    dropGatedFields(object.spec);
  },
  resize(object, old) {
    const { containers, initContainers, resources } = object.spec;
    // What cannot be matched is left to the rules to refuse.
    if (containers.length !== old.spec.containers.length || (initContainers?.length ?? 0) !== (old.spec.initContainers?.length ?? 0)) return;
    keepAll(object, old);
    if (resources) object.spec.resources = resources;
    else delete object.spec.resources;
    object.spec.containers = withResources(old.spec.containers, containers);
    if (old.spec.initContainers) object.spec.initContainers = withResources(old.spec.initContainers, initContainers ?? []);
    dropGatedFields(object.spec);
  },
};

function prepareChange(object: Pod, old: Pod): void {
  if (old.status) object.status = old.status;
  else delete object.status;
  dropGatedFields(object.spec);
}

/** Only the part that is put back afterwards is to change. */
function keepAll(object: Pod, old: Pod): void {
  object.spec = { ...old.spec };
  if (old.status) object.status = old.status;
  keepMetadata(object, old, ALL_METADATA);
}

function keepMetadata(object: Pod, old: Pod, fields: readonly (keyof Metadata)[]): void {
  const metadata = object.metadata as Metadata;
  const before = old.metadata as Metadata;
  for (const field of fields) {
    if (before[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: before[field] });
  }
}

/** Who does not know of observed generations leaves them as they are. */
function keepObservedGenerations(object: Pod, old: Pod): void {
  if (!object.status) return;
  if (!object.status.observedGeneration && old.status?.observedGeneration) object.status.observedGeneration = old.status.observedGeneration;
  for (const condition of object.status.conditions ?? []) {
    const before = old.status?.conditions?.find((earlier) => earlier.type === condition.type)?.observedGeneration;
    if (!condition.observedGeneration && before) condition.observedGeneration = before;
  }
}

function withResources(old: readonly Container[], containers: Container[]): Container[] {
  if (containers.some(({ name }, at) => old[at]?.name !== name)) return containers;
  return old.map((container, at) => {
    const { resources: _resources, resizePolicy: _policy, ...rest } = container;
    const { resources, resizePolicy } = containers[at] ?? {};
    return { ...rest, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) };
  });
}
