/** Whether an expression can say of a device that it is wanted. Provenance: k8s.io/dynamic-resource-allocation cel of v0.36. */
import type { CelEnvironment, CelType } from '../../cel/cel.ts';
import { compile } from '../../cel/compile.ts';
import { internalType, showType } from '../../cel/type.ts';
import { forbiddenField, invalid, type FieldError, type Path } from '../../field-error.ts';

/** What a device's names and values are at most; estimates of costs use it. */
const DOMAIN_LIMIT = 63;
const VALUE_LIMIT = 64;
const ENTRY_LIMIT = 32;
const COST_LIMIT = 1_000_000;

const domains = (of: CelType): CelType => ({ kind: 'map', of: { kind: 'map', of, max: ENTRY_LIMIT }, max: ENTRY_LIMIT });
const FIELDS: ReadonlyMap<string, CelType> = new Map([
  ['driver', { kind: 'string', max: DOMAIN_LIMIT }],
  ['allowMultipleAllocations', { kind: 'bool', max: 1 }],
  ['attributes', domains({ kind: 'dyn', max: VALUE_LIMIT })],
  ['capacity', domains({ kind: 'library', name: 'kubernetes.Quantity' })],
] as const satisfies readonly (readonly [string, CelType])[]);

/** Types whose upstream names are told; what attributes hold is of any type. */
const NAMES = new Map([['dyn', 'google.protobuf.Any'], ['null', 'null_type'], ['timestamp', 'google.protobuf.Timestamp'], ['duration', 'google.protobuf.Duration']]);

/** What expressions of device selectors may use. */
export const DEVICE_SELECTORS: CelEnvironment = {
  bindings: true,
  root: 'device',
  variables: { device: { kind: 'object', name: 'kubernetes.DRADevice', field: (name) => FIELDS.get(name) } },
};

export function checkDeviceSelector(expression: string, path: Path): FieldError[] {
  const compiled = compile(expression, DEVICE_SELECTORS);
  if ('errors' in compiled) return [invalid(path, expression, `${compiled.stage === 'check' ? 'compilation failed: ' : ''}${compiled.errors.join('\n')}`)];
  const { program } = compiled;
  if (program.type.kind !== 'bool' && program.type.kind !== 'dyn') {
    const type = showType(internalType(program.type)).replace(/\b(?:dyn|null|timestamp|duration)\b/g, (name) => NAMES.get(name) ?? name);
    return [invalid(path, expression, `must evaluate to bool or the unknown type, not ${type}`)];
  }
  return program.estimate().max > COST_LIMIT ? [forbiddenField(path, 'too complex, exceeds cost limit')] : [];
}
