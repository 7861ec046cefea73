/** RuntimeClasses. */
import { type FieldError, Path, duplicate, invalid, required } from '../../field-error.ts';
import type { Toleration } from '../../types/core.v1.ts';
import type { RuntimeClass } from '../../types/node.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { checkTolerations } from '../shared/affinity-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { dnsLabel } from '../shared/formats.ts';
import { checkLabels, immutable } from '../shared/object-meta.ts';
import { checkContainerResources } from '../shared/resource-requirement-rules.ts';
import { internalForm } from '../shared/internal-form.ts';

export const runtimeclass = rulesFor<RuntimeClass>({
  updates: 'all, then changes',
  bareFinalizers: true,
  strategy: {
    createOnUpdate: true,
    unconditionalUpdate: false,
    validate: checkClass,
    validateUpdate: (object, old) => immutable(object.handler, old.handler, Path.of('handler')),
  },
  columns: [NAME, text('Handler', (object) => object.handler), AGE],
});

function checkClass({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors = handler ? dnsLabel(handler).map((why) => invalid(Path.of('handler'), handler, why)) : [required(Path.of('handler'))];
  if (overhead?.podFixed) errors.push(...checkContainerResources({ limits: overhead.podFixed }, [], Path.of('overhead')));
  const path = Path.of('scheduling');
  return [...errors, ...checkLabels(scheduling?.nodeSelector, path.child('nodeSelector')), ...checkTolerations(scheduling?.tolerations ?? [], path.child('tolerations')), ...checkTwice(scheduling?.tolerations ?? [], path.child('tolerations'))];
}

function checkTwice(tolerations: readonly Toleration[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return tolerations.flatMap((toleration, at) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    const text = JSON.stringify([key, operator, value, effect]);
    const known = seen.has(text);
    seen.add(text);
    return known ? [duplicate(path.index(at), internalForm('Toleration', toleration as never))] : [];
  });
}
