/** StorageClasses: nothing but mount options and topology may change. */
import { type FieldError, Path, duplicate, notSupported, required, tooLong, invalid } from '../../field-error.ts';
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from '../../types/core.v1.ts';
import type { StorageClass } from '../../types/storage.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, text } from '../shared/columns.ts';
import { bytes, qualifiedName } from '../shared/formats.ts';
import { checkLabelKey, immutable } from '../shared/object-meta.ts';

const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const RECLAIM = ['Delete', 'Retain'];
const BINDING = ['Immediate', 'WaitForFirstConsumer'];
const PARAMETERS_LIMIT = 512;
const PARAMETERS_LIMIT_BYTES = 256 * 1024;
const FIXED = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

export const storageclass = rulesFor<StorageClass>({
  metadataChecks: { '': 2 },
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  strategy: {
    validate: checkClass,
    validateUpdate: (object, old) => FIXED.flatMap((field) => immutable(object[field], old[field], Path.of(field))),
  },
  columns: [
    {
      ...text<StorageClass>('Name', ({ metadata }) => {
        const isDefault = DEFAULT_CLASS.some((key) => metadata.annotations?.[key] === 'true');
        return `${metadata.name ?? ''}${isDefault ? ' (default)' : ''}`;
      }),
      format: 'name',
    },
    text('Provisioner', (object) => object.provisioner),
    text('ReclaimPolicy', (object) => object.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', (object) => object.volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', (object) => object.allowVolumeExpansion ?? false),
    AGE,
  ],
});

function checkClass(object: StorageClass): FieldError[] {
  const provisioner = Path.of('provisioner');
  const errors = object.provisioner
    ? qualifiedName(object.provisioner.toLowerCase()).map((why) => invalid(provisioner, object.provisioner.toLowerCase(), why))
    : [required(provisioner)];
  errors.push(...checkParameters(object.parameters, Path.of('parameters')));
  const policy = object.reclaimPolicy;
  if (policy && !RECLAIM.includes(policy)) errors.push(notSupported(Path.of('reclaimPolicy'), policy, RECLAIM));
  const mode = object.volumeBindingMode;
  if (mode === undefined) errors.push(required(Path.of('volumeBindingMode')));
  else if (!BINDING.includes(mode)) errors.push(notSupported(Path.of('volumeBindingMode'), mode, BINDING));
  return [...errors, ...checkTopologies(object.allowedTopologies ?? [], Path.of('allowedTopologies'))];
}

function checkParameters(parameters: Record<string, string> | undefined, path: Path): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > PARAMETERS_LIMIT) return [tooLong(path, PARAMETERS_LIMIT)];
  const errors = entries.filter(([key]) => key === '').map(([key]) => invalid(path, key, 'field can not be empty.'));
  const size = entries.reduce((sum, [key, value]) => sum + bytes(key) + bytes(value), 0);
  return size > PARAMETERS_LIMIT_BYTES ? [...errors, tooLong(path, PARAMETERS_LIMIT_BYTES)] : errors;
}

function checkTopologies(topologies: readonly TopologySelectorTerm[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return topologies.flatMap(({ matchLabelExpressions = [] }, at) => {
    const here = path.index(at).child('matchLabelExpressions');
    const errors = matchLabelExpressions.flatMap((requirement, index) => checkRequirement(requirement, here.index(index)));
    const keys = matchLabelExpressions.map(({ key }) => key);
    for (const [index, key] of keys.entries()) if (keys.indexOf(key) < index) errors.push(duplicate(here.index(index).child('key'), key));
    const text = JSON.stringify(matchLabelExpressions.map(({ key, values }) => [key, ...[...(values ?? [])].sort()].join()).sort());
    if (seen.has(text)) errors.push(duplicate(here, ''));
    seen.add(text);
    return errors;
  });
}

function checkRequirement({ key, values = [] }: TopologySelectorLabelRequirement, path: Path): FieldError[] {
  const here = path.child('values');
  const twice = values.flatMap((value, at) => (values.indexOf(value) < at ? [duplicate(here.index(at), value)] : []));
  return [...(values.length === 0 ? [required(here)] : []), ...twice, ...checkLabelKey(key, path.child('key'))];
}
