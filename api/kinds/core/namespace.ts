/** Namespaces: the finalizer `kubernetes`, the name label, and a status of their own. */
import { type FieldError, Path, invalid } from '../../field-error.ts';
import type { Namespace } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { nameIsLabel } from '../shared/names.ts';
import { qualifiedName } from '../shared/formats.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';
const FINALIZER = 'kubernetes';
const FINALIZERS = Path.of('spec', 'finalizers');
/** The only finalizers without a domain. */
const STANDARD_FINALIZERS = [FINALIZER, 'orphan', 'foregroundDeletion'];

export const namespace = rulesFor<Namespace>({
  updates: 'all, then changes',
  defaults(object) {
    if (object.metadata.name) object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: object.metadata.name };
    if (object.status) object.status.phase ||= 'Active';
  },
  strategy: {
    validateName: nameIsLabel,
    prepareForCreate(object) {
      object.status = { phase: 'Active' };
      const finalizers = object.spec?.finalizers ?? [];
      object.spec = { ...object.spec, finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER] };
      nameLabel(object);
    },
    prepareForUpdate(object, old, context) {
      if (context.subresource === 'status') copy(object, old, 'spec');
      else {
        copy(object, old, 'status');
        if (context.subresource !== 'finalize') copy(object, old, 'spec');
      }
      nameLabel(object);
    },
    validate: (object) => (object.spec?.finalizers ?? []).flatMap((name) => checkFinalizer(name, FINALIZERS)),
    validateUpdate(object, old, context) {
      if (context.subresource === 'status') return checkStatus(object, old);
      if (context.subresource !== 'finalize') return [];
      const finalizers = object.spec?.finalizers ?? [];
      return finalizers.flatMap((name, at) => checkFinalizer(name, FINALIZERS.index(at)));
    },
  },
  columns: [NAME, text('Status', (object) => object.status?.phase ?? ''), AGE],
  selectableFields: { 'status.phase': (object) => object.status?.phase ?? '' },
});

function nameLabel(object: Namespace): void {
  object.metadata.labels = { ...object.metadata.labels, [NAME_LABEL]: object.metadata.name ?? '' };
}

function copy(object: Namespace, old: Namespace, field: 'spec' | 'status'): void {
  if (old[field]) Object.assign(object, { [field]: old[field] });
  else delete object[field];
}

function checkFinalizer(name: string, path: Path): FieldError[] {
  const wrong = qualifiedName(name).map((why) => invalid(path, name, why));
  if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return wrong;
  return [...wrong, invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified')];
}

function checkStatus(object: Namespace, old: Namespace): FieldError[] {
  const phase = object.status?.phase ?? '';
  const path = Path.of('status', 'Phase');
  const deleting = old.metadata.deletionTimestamp !== undefined;
  if (deleting && phase !== 'Terminating') {
    return [invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  }
  return !deleting && phase !== 'Active' ? [invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty")] : [];
}
