/** ControllerRevisions: snapshots that controllers take of a workload, unchangeable but for their number. */
import { type FieldError, Path, required } from '../../field-error.ts';
import type { ControllerRevision } from '../../types/apps.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { immutable } from '../shared/object-meta.ts';
import { notNegative } from '../shared/quantity-rules.ts';

export const controllerrevision = rulesFor<ControllerRevision>({
  metadataChecks: { '': 2 },
  strategy: {
    validate: (object) => [...notNegative(object.revision, Path.of('revision')), ...checkData(object)],
    validateUpdate: (object, old) => [...notNegative(object.revision, Path.of('revision')), ...immutable(object.data, old.data, Path.of('data'))],
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

function checkData({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [required(Path.of('data'), 'data is mandatory')];
  return typeof data === 'object' && !Array.isArray(data) ? [] : [required(Path.of('data'), 'data must be a valid JSON object')];
}
