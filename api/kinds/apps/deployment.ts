/** Deployments. */
import type { Deployment } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, text, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { showSelector } from '../shared/label-selector.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { workloadWarnings } from '../shared/pod-warnings.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-rules.ts';

export const deployment = rulesFor<Deployment>({
  blank: { spec: { replicas: 0 } },
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.replicas ??= 1;
    const strategy = (spec.strategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= '25%';
      strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    defaultPodTemplate(spec.template);
  },
  strategy: splitStrategy<Deployment>({
    generation: ['spec', 'annotations'],
    statusKeeps: ['labels'],
    prepareForCreate: (object) => dropGatedFields(object.spec?.template?.spec),
    prepareForUpdate: (object) => dropGatedFields(object.spec?.template?.spec),
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
    validateStatus: validateDeploymentStatus,
    warnings: (object, old) => [
      ...(old ? [] : podNameWarning(object.metadata.name)),
      ...workloadWarnings(object, old),
    ],
  }),
  columns: [
    NAME,
    text('Ready', (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`),
    text('Up-to-date', (object) => object.status?.updatedReplicas ?? 0),
    text('Available', (object) => object.status?.availableReplicas ?? 0),
    AGE,
    ...containerColumns<Deployment>((object) => object.spec?.template?.spec),
    wide('Selector', (object) => showSelector(object.spec?.selector, '<invalid>')),
  ],
});
