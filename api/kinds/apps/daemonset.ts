/** DaemonSets, with the template generation that older clients look for. */
import { int64Problem } from '../../go-number.ts';
import type { ApiObject } from '../../kind.ts';
import type { DaemonSet } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, integer, labelsCell, selectorCell, text, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { workloadWarnings } from '../shared/pod-warnings.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateDaemonSet, validateDaemonSetStatus, validateDaemonSetUpdate } from './daemonset-rules.ts';

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

export const daemonset = rulesFor<DaemonSet>({
  blank: { metadata: { annotations: { [TEMPLATE_GENERATION]: '0' } } },
  versions: { v1: { unreadable: badTemplateGeneration } },
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    const strategy = (spec.updateStrategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= 1;
      strategy.rollingUpdate.maxSurge ??= 0;
    }
    // To upstream it is no pointer: it is always there.
    if (strategy.rollingUpdate) strategy.rollingUpdate.maxSurge ??= 0;
    object.metadata.annotations = { [TEMPLATE_GENERATION]: '0', ...object.metadata.annotations };
    spec.revisionHistoryLimit ??= 10;
    defaultPodTemplate(spec.template);
  },
  strategy: splitStrategy<DaemonSet>({
    generation: ['spec'],
    prepareForCreate(object) {
      setTemplateGeneration(object, Math.max(1, templateGeneration(object)));
      dropGatedFields(object.spec?.template?.spec);
    },
    prepareForUpdate(object, old) {
      dropGatedFields(object.spec?.template?.spec);
      const changed = !semanticEqual(object.spec?.template, old.spec?.template);
      setTemplateGeneration(object, templateGeneration(old) + (changed ? 1 : 0));
    },
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
    validateStatus: validateDaemonSetStatus,
    warnings: (object, old) => (old && templateGeneration(object) === templateGeneration(old) ? [] : workloadWarnings(object, old)),
  }),
  columns: [
    NAME,
    integer('Desired', (object) => object.status?.desiredNumberScheduled ?? 0),
    integer('Current', (object) => object.status?.currentNumberScheduled ?? 0),
    integer('Ready', (object) => object.status?.numberReady ?? 0),
    integer('Up-to-date', (object) => object.status?.updatedNumberScheduled ?? 0),
    integer('Available', (object) => object.status?.numberAvailable ?? 0),
    text('Node Selector', (object) => labelsCell(object.spec?.template?.spec?.nodeSelector)),
    AGE,
    ...containerColumns<DaemonSet>((object) => object.spec?.template?.spec),
    wide('Selector', (object) => selectorCell(object.spec?.selector)),
  ],
});

function templateGeneration(object: DaemonSet): number {
  return Number(object.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0) || 0;
}

function setTemplateGeneration(object: DaemonSet, generation: number): void {
  object.metadata.annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

/** To upstream it is a number, so that what is none cannot be read at all. */
function badTemplateGeneration(object: ApiObject): string | undefined {
  const text = object.metadata.annotations?.[TEMPLATE_GENERATION];
  return text === undefined ? undefined : int64Problem(text);
}
