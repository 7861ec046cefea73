/** Whether devices are what expressions ask for: CEL over a device's driver, attributes and capacity. */
import type { CelProgram, CelType } from '../../api/cel/cel.ts';
import { CALL_LIMIT, compile } from '../../api/cel/compile.ts';
import { DEVICE_SELECTORS } from '../../api/kinds/resource/device-selector.ts';
import type { Device } from '../../api/types/resource.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

const BOOL: CelType = { kind: 'bool' };
const STRING: CelType = { kind: 'string' };

/** Expressions compiled at once; the oldest is forgotten for the next. */
const PROGRAM_LIMIT = 256;
const programs = new Map<string, CelProgram>();
const made = new Map<string, CelProgram>();

/** Throws where the expression cannot be compiled or fails for this device. */
export function selects(expression: string, driver: string, device: DeepReadonly<Device>): boolean {
  return programOf(expression).evaluate({ device: valueOf(driver, device) }, { left: CALL_LIMIT }) === true;
}

function programOf(expression: string): CelProgram {
  const known = programs.get(expression);
  if (known) return known;
  const compilation = compile(expression, { ...DEVICE_SELECTORS, result: BOOL });
  if ('errors' in compilation) throw new Error(`CEL compile error: ${compilation.errors.join(', ')}`);
  if (programs.size >= PROGRAM_LIMIT) for (const oldest of programs.keys()) if (programs.delete(oldest)) break;
  programs.set(expression, compilation.program);
  return compilation.program;
}

/** What values of devices are in expressions, kept per device: slices are never changed in place. */
const values = new WeakMap<DeepReadonly<Device>, object>();

function valueOf(driver: string, device: DeepReadonly<Device>): object {
  const known = values.get(device);
  if (known) return known;
  const attributes: Record<string, Record<string, unknown>> = {};
  for (const [name, { int, bool, string, version }] of Object.entries(device.attributes ?? {})) {
    const [domain, id] = qualified(name, driver);
    (attributes[domain] ??= {})[id] = version === undefined ? (int ?? bool ?? string) : make('semver', version);
  }
  const capacity: Record<string, Record<string, unknown>> = {};
  for (const [name, { value }] of Object.entries(device.capacity ?? {})) {
    const [domain, id] = qualified(name, driver);
    (capacity[domain] ??= {})[id] = make('quantity', value);
  }
  const value = { driver, allowMultipleAllocations: device.allowMultipleAllocations ?? false, attributes: withEmpty(attributes), capacity: withEmpty(capacity) };
  values.set(device, value);
  return value;
}

function make(how: 'semver' | 'quantity', text: string): unknown {
  let program = made.get(how);
  if (!program) {
    const compilation = compile(`${how}(text)`, { variables: { text: STRING } });
    if ('errors' in compilation) throw new Error(compilation.errors.join(', '));
    made.set(how, (program = compilation.program));
  }
  return program.value({ text }, { left: CALL_LIMIT });
}

/** A name without a domain is of the driver's own. */
export function qualified(name: string, driver: string): readonly [domain: string, id: string] {
  const slash = name.indexOf('/');
  return slash < 0 ? [driver, name] : [name.slice(0, slash), name.slice(slash + 1)];
}

/** Domains that a device has nothing of are there and empty. */
function withEmpty<T>(domains: Record<string, Record<string, T>>): Record<string, Record<string, T>> {
  const empty = {};
  return new Proxy(domains, {
    get: (target, key, receiver) => (typeof key !== 'string' || Object.hasOwn(target, key) ? Reflect.get(target, key, receiver) : empty),
    getOwnPropertyDescriptor: (target, key) => Reflect.getOwnPropertyDescriptor(target, key) ?? (typeof key === 'string' ? { value: empty, writable: true, enumerable: false, configurable: true } : undefined),
  });
}
