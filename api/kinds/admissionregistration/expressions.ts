/** What expressions of webhooks and policies may use, and how they are compiled. Provenance: admission/plugin/cel of apiserver v0.36. */
import type { CelEnvironment, CelObject, CelProgram, CelType } from '../../cel/cel.ts';
import { compile } from '../../cel/compile.ts';

export interface Scope {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** The names of the policy's variables, with their types. */
  readonly variables?: Variables | undefined;
  /** Whether `Object{…}` and `JSONPatch{…}` can be made. */
  readonly patches?: boolean;
}

/** `internal`: what is wrong shows only as the expression is made ready to run. */
export type Compiled = { readonly program: CelProgram } | { readonly problem: string; readonly internal?: boolean };

/** `returns`: one of these types it must have, exactly; none: any. */
export function compileExpression(expression: string, scope: Scope, returns: readonly CelType[]): Compiled {
  const compiled = compile(expression, environmentOf(scope));
  const got = 'program' in compiled ? showType(compiled.program.type) : compiled.type && showType(compiled.type);
  if (got === undefined || returns.length === 0 || returns.some((type) => showType(type) === got)) {
    if ('program' in compiled) return { program: compiled.program };
    return { problem: `${compiled.stage === 'check' ? 'compilation failed: ' : ''}${compiled.errors.join('\n')}`, internal: compiled.stage === 'program' };
  }
  const [only] = returns;
  const wanted = returns.length === 1 && only ? showType(only) : `one of [${returns.map(showType).join(' ')}]`;
  return { problem: `must evaluate to ${wanted} but got ${got}` };
}

const DYN: CelType = { kind: 'dyn' };
const STRING: CelType = { kind: 'string' };
const TIME: CelType = { kind: 'timestamp' };

export const RETURNS = {
  condition: [{ kind: 'bool' }],
  message: [STRING],
  auditAnnotation: [STRING, { kind: 'null' }],
  applyConfiguration: [{ kind: 'library', name: 'Object' }],
  jsonPatch: [{ kind: 'list', of: { kind: 'library', name: 'JSONPatch' } }],
  variable: [],
} as const satisfies Record<string, readonly CelType[]>;

export function environmentOf({ params, authorizer, variables, patches = false }: Scope): CelEnvironment {
  return {
    variables: {
      object: DYN, oldObject: DYN, namespaceObject: NAMESPACE, request: REQUEST,
      ...(params && { params: DYN }),
      ...(authorizer && {
        authorizer: { kind: 'library', name: 'kubernetes.authorization.Authorizer' },
        'authorizer.requestResource': { kind: 'library', name: 'kubernetes.authorization.ResourceCheck' },
      }),
      ...(variables && { variables: variables.type }),
    },
    ...(patches && { objects: patchTypes }),
  };
}

/** The variables of a policy, each of which may use those before it. */
export class Variables {
  readonly #types = new Map<string, CelType>();
  readonly type: CelObject = { kind: 'object', name: 'kubernetes.variables', field: (name) => this.#types.get(name) };

  /** Without a program nothing is known of its type. */
  add(name: string, program: CelProgram | undefined): void {
    this.#types.set(name, program ? plain(program.type) : DYN);
  }
}

/** Of objects and of the libraries' own types nothing is known behind a variable. */
function plain(type: CelType): CelType {
  switch (type.kind) {
    case 'list':
    case 'map':
      return { ...type, of: plain(type.of) };
    case 'object':
    case 'library':
    case 'optional':
      return DYN;
    default:
      return type;
  }
}

function objectType(name: string, fields: Readonly<Record<string, CelType>>): CelObject {
  return { kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined) };
}

function listOf(of: CelType): CelType {
  return { kind: 'list', of };
}

function mapOf(of: CelType): CelType {
  return { kind: 'map', of };
}

const KIND = objectType('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const RESOURCE = objectType('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });
const USER = objectType('kubernetes.UserInfo', { username: STRING, uid: STRING, groups: listOf(STRING), extra: mapOf(listOf(STRING)) });
const REQUEST = objectType('kubernetes.AdmissionRequest', {
  kind: KIND, resource: RESOURCE, subResource: STRING, requestKind: KIND, requestResource: RESOURCE, requestSubResource: STRING, name: STRING, namespace: STRING,
  operation: STRING, userInfo: USER, dryRun: { kind: 'bool' }, options: DYN,
});
const CONDITION = objectType('kubernetes.NamespaceCondition', { status: STRING, type: STRING, lastTransitionTime: TIME, message: STRING, reason: STRING });
const NAMESPACE = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: STRING, generateName: STRING, namespace: STRING, labels: mapOf(STRING), annotations: mapOf(STRING), UID: STRING, creationTimestamp: TIME,
    deletionGracePeriodSeconds: { kind: 'int' }, deletionTimestamp: TIME, generation: { kind: 'int' }, resourceVersion: STRING, finalizers: listOf(STRING),
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(STRING) }),
  status: objectType('kubernetes.NamespaceStatus', { conditions: listOf(CONDITION), phase: STRING }),
});

/** Of other fields upstream's type says that they have a type without a name, which nothing is of. */
const NOTHING: CelType = { kind: 'library', name: '' };
const PATCH_FIELDS: Readonly<Record<string, CelType>> = { op: STRING, path: STRING, from: STRING, value: DYN };
const JSON_PATCH: CelObject = { kind: 'object', name: 'JSONPatch', field: (name) => (Object.hasOwn(PATCH_FIELDS, name) ? PATCH_FIELDS[name] : NOTHING) };

/** `Object` and what is in it by the names of the fields, `Object.spec.template`; any field can be set. */
function patchTypes(name: string): CelObject | undefined {
  if (name === 'JSONPatch') return JSON_PATCH;
  return name === 'Object' || name.startsWith('Object.') ? { kind: 'object', name, field: () => DYN } : undefined;
}

const SHOWN: Readonly<Record<string, string>> = { null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' };

function showType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${showType(type.of)})`;
    case 'map':
      return `map(${type.key ? showType(type.key) : 'string'}, ${showType(type.of)})`;
    case 'optional':
      return `optional_type(${showType(type.of)})`;
    case 'object':
    case 'library':
      return type.name;
    default:
      return SHOWN[type.kind] ?? type.kind;
  }
}
