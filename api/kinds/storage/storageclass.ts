/** StorageClasses: nothing but mount options and topology may change. */
import { type FieldError, Path, byKeys, duplicate, notSupported, required, invalid } from '../../field-error.ts';
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from '../../types/core.v1.ts';
import type { StorageClass } from '../../types/storage.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { checkParameters } from './parameter-rules.ts';
import { AGE, text } from '../shared/columns.ts';
import { qualifiedName } from '../shared/formats.ts';
import { checkLabelKey, immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const RECLAIM = ['Delete', 'Retain'];
const BINDING = ['Immediate', 'WaitForFirstConsumer'];
const FIXED = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

export const storageclass = rulesFor<StorageClass>({
  updates: 'all, then changes',
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  strategy: {
    validate: checkClass,
    validateUpdate: (object, old) => FIXED.flatMap((field) => same(object[field], old[field]) ? [] : immutable(shown(object, field), shown(old, field), Path.of(field))),
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

function same(a: unknown, b: unknown): boolean {
  return semanticEqual(a ?? {}, b ?? {});
}

function shown(object: StorageClass, field: (typeof FIXED)[number]): unknown {
  return field === 'parameters' ? object.parameters && byKeys(object.parameters) : object[field];
}

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

function checkTopologies(topologies: readonly TopologySelectorTerm[], path: Path): FieldError[] {
  const seen: string[] = [];
  return topologies.flatMap(({ matchLabelExpressions = [] }, at) => {
    const here = path.index(at).child('matchLabelExpressions');
    const errors = matchLabelExpressions.flatMap((requirement, index) => checkRequirement(requirement, here.index(index)));
    const keys = matchLabelExpressions.map(({ key }) => key);
    for (const [index, key] of keys.entries()) if (keys.indexOf(key) < index) errors.push(duplicate(here.index(index).child('key'), key));
    const text = JSON.stringify(matchLabelExpressions.map(({ key, values }) => [key, ...[...new Set(values ?? [])].sort()].join()).sort());
    // Upstream counts each earlier term that is the same, and starts with as many empty ones as there are terms.
    const before = seen.filter((other) => other === text).length + (text === '[]' ? topologies.length : 0);
    for (let n = 0; n < before; n++) errors.push(duplicate(here, ''));
    seen.push(text);
    return errors;
  });
}

function checkRequirement({ key, values: given }: TopologySelectorLabelRequirement, path: Path): FieldError[] {
  const values = given ?? [];
  const here = path.child('values');
  const twice = values.flatMap((value, at) => (values.indexOf(value) < at ? [duplicate(here.index(at), value)] : []));
  return [...(values.length === 0 ? [required(here)] : []), ...twice, ...checkLabelKey(key, path.child('key'))];
}
