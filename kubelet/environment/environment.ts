/** The environment of a container: Services, then whole config maps and secrets, then single variables, each over the one before. */
import type { ConfigMap, Secret } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { expand } from '../expand.ts';
import type { PodObject, Spec } from '../pod.ts';
import { type PodFacts, fieldValue, resourceValue } from './field-ref.ts';

export interface EnvironmentInput {
  readonly pod: PodObject;
  readonly spec: Spec;
  readonly facts: PodFacts;
  readonly services: ReadonlyMap<string, string>;
  /** Undefined where there is none. */
  readonly configMap: (name: string) => DeepReadonly<ConfigMap> | undefined;
  readonly secret: (name: string) => DeepReadonly<Secret> | undefined;
}

/** Something that a container needs is not there; the pod waits with `CreateContainerConfigError`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function environment(input: EnvironmentInput): { readonly name: string; readonly value: string }[] {
  const own = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of input.spec.envFrom ?? []) {
    for (const [key, value] of Object.entries(configMapRef ? wholeConfigMap(input, configMapRef) : secretRef ? wholeSecret(input, secretRef) : {})) own.set(prefix + key, value);
  }
  for (const variable of input.spec.env ?? []) {
    const value = variable.valueFrom ? referred(input, variable.valueFrom) : expand(variable.value ?? '', (name) => own.get(name) ?? input.services.get(name));
    if (value !== undefined) own.set(variable.name, value);
  }
  for (const [name, value] of input.services) if (!own.has(name)) own.set(name, value);
  return [...own].map(([name, value]) => ({ name, value }));
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

function wholeConfigMap({ configMap }: EnvironmentInput, { name = '', optional }: Reference): Readonly<Record<string, string>> {
  const found = configMap(name);
  if (!found && !optional) throw new ConfigError(`configmap "${name}" not found`);
  return found?.data ?? {};
}

function wholeSecret({ secret }: EnvironmentInput, { name = '', optional }: Reference): Readonly<Record<string, string>> {
  const found = secret(name);
  if (!found && !optional) throw new ConfigError(`secret "${name}" not found`);
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decoded(value)]));
}

type ValueFrom = NonNullable<NonNullable<Spec['env']>[number]['valueFrom']>;

/** Undefined where something optional is missing. */
function referred(input: EnvironmentInput, from: ValueFrom): string | undefined {
  const { pod, spec, facts } = input;
  const { namespace } = pod.metadata;
  if (from.fieldRef) {
    const value = fieldValue(pod, from.fieldRef.fieldPath, facts);
    if (value === undefined) throw new ConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  if (from.resourceFieldRef) {
    const value = resourceValue(pod, from.resourceFieldRef, spec.name, facts);
    if (value === undefined) throw new ConfigError(`unsupported container resource: ${from.resourceFieldRef.resource}`);
    return value;
  }
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const found = input.configMap(name);
    const value = found?.data?.[key];
    if (value !== undefined || optional) return value;
    throw new ConfigError(found ? `couldn't find key ${key} in ConfigMap ${namespace}/${name}` : `configmap "${name}" not found`);
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef;
    const found = input.secret(name);
    const value = found?.data?.[key];
    if (value !== undefined) return decoded(value);
    if (optional) return undefined;
    throw new ConfigError(found ? `couldn't find key ${key} in Secret ${namespace}/${name}` : `secret "${name}" not found`);
  }
  throw new ConfigError(`environment variables from ${Object.keys(from).join(', ')} are not supported`);
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
