/**
 * The objects that every cluster starts with, and their reconciliation at each start.
 *
 * They are written in `manifests/bootstrap/*.yaml` and read from `compiled.json` beside them, which a test keeps the same:
 * parsing the YAML would cost every start some 25 ms. What is missing is created; roles get rules that they lack, bindings
 * subjects, unless their autoupdate annotation says no; nothing is taken away. A start that finds all writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { ApiObject } from '../../api/kind.ts';
import * as resources from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '../../api/types/rbac.v1.ts';
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { Reader, Stored, Writer } from './reader.ts';
import { uncovered } from './rules.ts';

const RESOURCES: Readonly<Record<string, ResourceRef<unknown>>> = {
  Namespace: resources.namespaces,
  ClusterRole: resources.clusterroles,
  ClusterRoleBinding: resources.clusterrolebindings,
  Role: resources.roles,
  RoleBinding: resources.rolebindings,
  PriorityClass: resources.priorityclasses,
  FlowSchema: resources.flowschemas,
  PriorityLevelConfiguration: resources.prioritylevelconfigurations,
};

let loaded: readonly ApiObject[] | undefined;

/** Read once per process; do not change them. */
export function bootstrapObjects(): readonly ApiObject[] {
  loaded ??= JSON.parse(readFileSync(compiledFile(), 'utf8')) as ApiObject[];
  return loaded;
}

/** Two levels up from the sources, three from what the build makes of them. */
function compiledFile(): URL {
  const places = ['../../manifests/bootstrap/compiled.json', '../../../manifests/bootstrap/compiled.json'].map((path) => new URL(path, import.meta.url));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error('manifests/bootstrap/compiled.json is missing from this installation');
  return found;
}

/** Creates and extends until the cluster has what `bootstrapObjects` says. The caches must be ready. Safe beside other API servers. */
export async function ensureBootstrap(reader: Reader, writer: Writer, objects: readonly ApiObject[] = bootstrapObjects()): Promise<{ readonly written: number }> {
  let written = 0;
  const ensure = async (wanted: ApiObject): Promise<void> => {
    if (await ensureOne(wanted, reader, writer)) written++;
  };
  // Namespaces first: others live in them. All others at once: the store commits them together.
  await Promise.all(objects.filter(({ kind }) => kind === 'Namespace').map(ensure));
  await Promise.all(objects.filter(({ kind }) => kind !== 'Namespace').map(ensure));
  return { written };
}

/** How often one object is tried again when somebody else writes it at the same time. */
const ATTEMPTS = 5;

/** Upstream's name for who makes the objects of flow control. */
const FLOW_MANAGER = 'api-priority-and-fairness-config-producer-v1';

async function ensureOne(wanted: ApiObject, reader: Reader, writer: Writer): Promise<boolean> {
  const resource = RESOURCES[wanted.kind];
  if (!resource) throw new Error(`no bootstrap objects of kind ${wanted.kind}`);
  const { namespace = '', name = '' } = wanted.metadata;
  const own = wanted.apiVersion.startsWith('flowcontrol.') ? { manager: FLOW_MANAGER } : {};
  let current = reader.get(resource, namespace, name) as Stored<ApiObject> | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      if (!current) {
        await writer.create(resource, wanted, own);
        return true;
      }
      if (pointsElsewhere(current, wanted)) {
        // What a binding grants cannot be changed: it is made anew.
        await writer.remove(resource, current);
        await writer.create(resource, wanted, own);
        return true;
      }
      const extended = extend(current, wanted);
      if (extended) await writer.update(resource, extended, undefined, own);
      return extended !== undefined;
    } catch (error) {
      if (attempt === ATTEMPTS || !(isReason(error, 'AlreadyExists') || isReason(error, 'Conflict') || isReason(error, 'NotFound'))) throw error;
      current = (await reader.getFresh(resource, namespace, name)) as Stored<ApiObject> | undefined;
    }
  }
}

function pointsElsewhere(current: Stored<ApiObject>, wanted: ApiObject): boolean {
  const free = current.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] !== 'false';
  return wanted.kind.endsWith('RoleBinding') && free && !deepEqual(current['roleRef'], wanted['roleRef']);
}

/** What a stored object must become; undefined when it may stay as it is. */
export function extend(current: Stored<ApiObject>, wanted: ApiObject): ApiObject | undefined {
  const annotations = current.metadata.annotations ?? {};
  switch (wanted.kind) {
    case 'ClusterRole':
    case 'Role':
      return annotations['rbac.authorization.kubernetes.io/autoupdate'] === 'false' ? undefined : extendRole(current, wanted);
    case 'ClusterRoleBinding':
    case 'RoleBinding':
      return annotations['rbac.authorization.kubernetes.io/autoupdate'] === 'false' ? undefined : extendBinding(current, wanted);
    case 'FlowSchema':
    case 'PriorityLevelConfiguration': {
      const mandatory = wanted.metadata.name === 'exempt' || wanted.metadata.name === 'catch-all';
      if ((annotations['apf.kubernetes.io/autoupdate-spec'] !== 'true' && !mandatory) || contains(current['spec'], wanted['spec'])) return undefined;
      return { ...(deepCopy(current) as ApiObject), spec: wanted['spec'] };
    }
    default:
      return undefined;
  }
}

function extendRole(current: Stored<ApiObject>, wanted: ApiObject): ApiObject | undefined {
  const role = current as unknown as Stored<ClusterRole>;
  const { rules = [], aggregationRule } = wanted as unknown as ClusterRole;
  const missing = deepEqual(role.rules ?? [], rules) ? [] : uncovered(role.rules ?? [], rules);
  const selectors = (aggregationRule?.clusterRoleSelectors ?? []).filter((selector) => !role.aggregationRule?.clusterRoleSelectors?.some((known) => deepEqual(known, selector)));
  const next = withMetadata(current, wanted);
  if (!next && missing.length === 0 && selectors.length === 0) return undefined;
  const out = (next ?? deepCopy(current)) as unknown as ClusterRole;
  if (missing.length > 0) out.rules = [...(out.rules ?? []), ...(deepCopy(missing) as PolicyRule[])];
  if (selectors.length > 0) out.aggregationRule = { clusterRoleSelectors: [...(out.aggregationRule?.clusterRoleSelectors ?? []), ...selectors] };
  return out as unknown as ApiObject;
}

function extendBinding(current: Stored<ApiObject>, wanted: ApiObject): ApiObject | undefined {
  const binding = current as unknown as Stored<ClusterRoleBinding>;
  const { subjects = [] } = wanted as unknown as ClusterRoleBinding;
  const missing = subjects.filter((subject) => !binding.subjects?.some((known) => deepEqual(known, subject)));
  const next = withMetadata(current, wanted);
  if (!next && missing.length === 0) return undefined;
  const out = (next ?? deepCopy(current)) as unknown as ClusterRoleBinding;
  if (missing.length > 0) out.subjects = [...(out.subjects ?? []), ...missing];
  return out as unknown as ApiObject;
}

/** A copy with the labels and annotations that are missing; undefined when none is. */
function withMetadata(current: Stored<ApiObject>, wanted: ApiObject): ApiObject | undefined {
  const { labels = {}, annotations = {} } = wanted.metadata;
  if (contains(current.metadata.labels ?? {}, labels) && contains(current.metadata.annotations ?? {}, annotations)) return undefined;
  const out = deepCopy(current) as ApiObject;
  out.metadata.labels = { ...labels, ...out.metadata.labels };
  out.metadata.annotations = { ...annotations, ...out.metadata.annotations };
  return out;
}

/** Whether a stored value says everything that is wanted; it may say more, such as defaults. */
function contains(stored: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return stored === wanted;
  if (Array.isArray(wanted)) return Array.isArray(stored) && stored.length === wanted.length && wanted.every((item, at) => contains(stored[at], item));
  if (typeof stored !== 'object' || stored === null) return false;
  return Object.entries(wanted).every(([key, value]) => contains((stored as Record<string, unknown>)[key], value));
}
