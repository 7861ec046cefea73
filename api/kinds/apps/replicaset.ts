/** ReplicaSets. */
import type { ReplicaSet } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, integer, selectorCell, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { workloadWarnings } from '../shared/pod-warnings.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateReplicaSet, validateReplicaSetStatus, validateReplicaSetUpdate } from './replicaset-rules.ts';

export const replicaset = rulesFor<ReplicaSet>({
  blank: { spec: { replicas: 0 } },
  defaults(object) {
    if (!object.spec) return;
    object.spec.replicas ??= 1;
    defaultPodTemplate(object.spec.template);
  },
  strategy: splitStrategy<ReplicaSet>({
    generation: ['spec'],
    prepareForCreate: (object) => dropGatedFields(object.spec?.template?.spec),
    prepareForUpdate: (object) => dropGatedFields(object.spec?.template?.spec),
    validate: validateReplicaSet,
    validateUpdate: validateReplicaSetUpdate,
    validateStatus: validateReplicaSetStatus,
    warnings: (object, old) => [
      ...(old ? [] : podNameWarning(object.metadata.name)),
      ...workloadWarnings(object, old),
    ],
  }),
  columns: [
    NAME,
    integer('Desired', (object) => object.spec?.replicas ?? 0),
    integer('Current', (object) => object.status?.replicas ?? 0),
    integer('Ready', (object) => object.status?.readyReplicas ?? 0),
    AGE,
    ...containerColumns<ReplicaSet>((object) => object.spec?.template?.spec),
    wide('Selector', (object) => selectorCell(object.spec?.selector)),
  ],
});
