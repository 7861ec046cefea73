/** ReplicationControllers, the elders of ReplicaSets. */
import { type FieldError, Path, byKeys, invalid, required } from '../../field-error.ts';
import type { ReplicationController } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, integer, labelsCell, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { checkAlwaysRunning, checkPodTemplate } from '../shared/pod-template-rules.ts';
import { workloadWarnings } from '../shared/pod-warnings.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkCounts } from '../shared/replica-counts.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

const SPEC = Path.of('spec');

const COUNTS = {
  counts: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'],
  parts: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
  readyName: 'readyReplicas',
};

export const replicationcontroller = rulesFor<ReplicationController>({
  storagePath: 'controllers',
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    const labels = spec.template?.metadata?.labels;
    if (labels) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
    }
    spec.replicas ??= 1;
    defaultPodTemplate(spec.template);
  },
  strategy: splitStrategy<ReplicationController>({
    generation: ['spec'],
    orphansByDefault: true,
    prepareForCreate: (object) => dropGatedFields(object.spec?.template?.spec),
    prepareForUpdate: (object) => dropGatedFields(object.spec?.template?.spec),
    validate: checkSpec,
    validateUpdate: checkSpec,
    validateStatus: (object) => checkCounts(object.status, Path.of('status'), COUNTS),
    warnings: replicationControllerWarnings,
  }),
  columns: [
    NAME,
    integer('Desired', (object) => object.spec?.replicas ?? 0),
    integer('Current', (object) => object.status?.replicas ?? 0),
    integer('Ready', (object) => object.status?.readyReplicas ?? 0),
    AGE,
    ...containerColumns<ReplicationController>((object) => object.spec?.template?.spec),
    wide('Selector', (object) => labelsCell(object.spec?.selector)),
  ],
  selectableFields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
});

function checkSpec({ spec }: ReplicationController): FieldError[] {
  const errors = [...notNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'))];
  const selector = Object.entries(spec?.selector ?? {});
  if (selector.length === 0) errors.push(required(SPEC.child('selector')));
  errors.push(...(spec?.replicas === undefined ? [required(SPEC.child('replicas'))] : notNegative(spec.replicas, SPEC.child('replicas'))));
  const path = SPEC.child('template');
  if (!spec?.template) return [...errors, required(path)];
  const labels = spec.template.metadata?.labels;
  if (selector.some(([key, value]) => labels?.[key] !== value)) {
    errors.push(invalid(path.child('metadata', 'labels'), labels && byKeys(labels), '`selector` does not match template `labels`'));
  }
  return [...errors, ...checkPodTemplate(spec.template, path), ...checkAlwaysRunning(spec.template, 'ReplicationController', path)];
}

/** An update warns of the template that was there before, as upstream's does. */
function replicationControllerWarnings(object: ReplicationController, old: ReplicationController | undefined): string[] {
  if (!old) return [...podNameWarning(object.metadata.name), ...workloadWarnings(object, old)];
  return workloadWarnings({ ...old, metadata: object.metadata }, old);
}
