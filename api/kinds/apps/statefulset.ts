/** StatefulSets. */
import { Path } from '../../field-error.ts';
import type { StatefulSet } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, text } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { nameIsLabel } from '../shared/names.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { claimSpecWarnings } from '../shared/claim-warnings.ts';
import { workloadWarnings } from '../shared/pod-warnings.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { defaultClaimSpec } from '../shared/volume-defaults.ts';
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './statefulset-rules.ts';

export const statefulset = rulesFor<StatefulSet>({
  blank: { spec: { replicas: 0 } },
  defaults: defaultStatefulSet,
  strategy: splitStrategy<StatefulSet>({
    validateName: nameIsLabel,
    generation: ['spec'],
    prepareForCreate: dropGated,
    prepareForUpdate: dropGated,
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    validateStatus: validateStatefulSetStatus,
    warnings(object, old) {
      const negative = (object.spec?.revisionHistoryLimit ?? 0) < 0;
      const why = 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
      return [...workloadWarnings(object, old), ...claimWarnings(object, old !== undefined), ...(negative ? [why] : [])];
    },
  }),
  columns: [
    NAME,
    text('Ready', (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`),
    AGE,
    ...containerColumns<StatefulSet>((object) => object.spec?.template?.spec),
  ],
});

function defaultStatefulSet(object: StatefulSet): void {
  const spec = object.spec;
  if (!spec) return;
  spec.podManagementPolicy ||= 'OrderedReady';
  const strategy = (spec.updateStrategy ??= {});
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= 'Retain';
  retention.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1';
    claim.kind = 'PersistentVolumeClaim';
    if (claim.spec) defaultClaimSpec(claim.spec);
    claim.status = { ...claim.status, phase: claim.status?.phase || 'Pending' };
  }
}

/** Upstream names the place otherwise when a set is changed. */
function claimWarnings({ spec }: StatefulSet, isUpdate: boolean): string[] {
  return (spec?.volumeClaimTemplates ?? []).flatMap((claim, at) => {
    const path = Path.of('spec', 'volumeClaimTemplates').index(at);
    return claim.spec ? claimSpecWarnings(claim.spec, isUpdate ? path.child('Spec') : path) : [];
  });
}

/** `maxUnavailable` belongs to a feature that is off by default. */
function dropGated(object: StatefulSet): void {
  delete object.spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  dropGatedFields(object.spec?.template?.spec);
}
