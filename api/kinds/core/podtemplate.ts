/** PodTemplates: templates on their own. */
import { Path } from '../../field-error.ts';
import type { PodTemplate } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { NAME, containerColumns, labelsCell, text } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { checkPodTemplate } from '../shared/pod-template-rules.ts';
import { podTemplateWarnings } from '../shared/pod-warnings.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

const TEMPLATE = Path.of('template');

export const podtemplate = rulesFor<PodTemplate>({
  defaults: (object) => defaultPodTemplate(object.template),
  strategy: splitStrategy<PodTemplate>({
    noStatus: true,
    generation: ['template'],
    prepareForCreate: (object) => dropGatedFields(object.template?.spec),
    prepareForUpdate: (object) => dropGatedFields(object.template?.spec),
    validate: (object) => checkPodTemplate(object.template, TEMPLATE),
    validateUpdate: (object) => checkPodTemplate(object.template, TEMPLATE),
    warnings: (object, old) => (old && semanticEqual(object.template, old.template) ? [] : podTemplateWarnings(object.template, TEMPLATE)),
  }),
  columns: [
    NAME,
    ...containerColumns<PodTemplate>((object) => object.template?.spec).map((column) => ({ ...column, priority: 0 })),
    text('Pod Labels', (object) => labelsCell(object.template?.metadata?.labels)),
  ],
});
