/** ControllerRevisions: snapshots that controllers take of a workload, unchangeable but for their number. */
import { type FieldError, Path, invalid, required } from '../../field-error.ts';
import type { ControllerRevision } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { immutable } from '../shared/object-meta.ts';
import { NOT_NEGATIVE } from '../shared/quantity-rules.ts';

export const controllerrevision = rulesFor<ControllerRevision>({
  updates: 'changes, then all',
  strategy: {
    validate(object) {
      const errors: FieldError[] = object.data === undefined || object.data === null ? [required(Path.of('data'), 'data is mandatory')] : [];
      return object.revision < 0 ? [...errors, invalid(Path.of('revision'), object.revision, NOT_NEGATIVE)] : errors;
    },
    validateUpdate: (object, old) => immutable(object.data, old.data, Path.of('data')),
  },
  columns: [
    NAME,
    text('Controller', (object) => {
      const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
      if (!owner) return '<none>';
      const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
      return `${owner.kind}${group}`.toLowerCase() + `/${owner.name}`;
    }),
    text('Revision', (object) => object.revision),
    AGE,
  ],
});
