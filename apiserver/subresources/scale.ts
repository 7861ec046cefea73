/** The scale subresource: replicas of a workload, in the form that autoscalers and `kubectl scale` speak. */
import { noteSaid } from '../audit/said.ts';
import { invalid, Path, required } from '../../api/field-error.ts';
import type { ApiObject, Column } from '../../api/kind.ts';
import { AGE } from '../../api/kinds/shared/columns.ts';
import { compileLabelSelector, formatSelector, selectLabels } from '../../api/selectors.ts';
import { deepCopy, type DeepReadonly } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import { mediaType } from '../request/body.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { includeOption, table } from '../forms/table.ts';
import { conflict } from '../../api/status.ts';
import { invalidObject } from '../invalid.ts';
import { checkName, checkNamespace } from '../objects/identity.ts';
import { updateObject } from '../objects/update.ts';
import type { Resource } from '../registry/resource.ts';
import { get } from '../verbs/get.ts';
import { APPLY_PATCH, patched, readPatch } from '../request/patch-body.ts';
import { SCALE, scaleObject } from './scale-object.ts';
import { applyToScale, trackScale, type ScaleWrite } from './scale-owners.ts';
import { parseWriteOptions, type FieldValidation } from '../request/write-options.ts';

export async function scale(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  if (exchange.route.verb === 'get') {
    const { object } = await get(core, exchange, resource);
    const accepted = exchange.accepted();
    if (accepted.as === 'Table') return document(scaleTable(scaleOf(object.object), { exchange, now: core.clock.now() }));
    return document(scaleOf(object.object));
  }
  if (exchange.route.verb === 'patch' && mediaType(exchange.body.contentType) === APPLY_PATCH) return applyScale(core, exchange, resource);
  const patching = exchange.route.verb === 'patch';
  const options = parseWriteOptions(exchange, patching ? 'PatchOptions' : 'UpdateOptions');
  const changeOf = patching ? await readChange(exchange, options.fieldValidation) : undefined;
  const sent = patching ? undefined : await decodeBody(exchange, SCALE, options.fieldValidation);
  if (sent) noteSaid(exchange, sent);
  const { namespace, name } = exchange.route;
  if (sent) {
    checkName(sent, name);
    checkNamespace(sent, exchange.route, resource);
  }
  const changed = await updateObject(core, exchange, {
    resource, namespace, name, subresource: 'scale', options, tracked: true,
    ...(sent?.metadata.uid && { preconditions: { uid: sent.metadata.uid } }),
    produce({ object }) {
      const before = scaleOf(object);
      const wanted = changeOf ? changeOf(before) : (sent as ApiObject);
      checkName(wanted, name);
      const next = withReplicas(object, wanted, patching ? resource : undefined);
      trackScale({ resource, exchange, options, now: core.clock.now(), path: REPLICAS, object, before }, { next, wanted });
      return next;
    },
    admitted: scaleOf,
    admittedOld: scaleOf,
    readmit: setReplicas,
  });
  return document(scaleOf(changed.object.object));
}

interface TableContext {
  readonly columns?: readonly Column[];
  readonly exchange: Exchange;
  readonly now: number;
}

/** `columns`: as upstream has them for the kind that is scaled. */
export function scaleTable(scaled: ApiObject, { exchange, now, columns = COLUMNS }: TableContext): object {
  const include = includeOption(exchange.query.get('includeObject'));
  const metadata = { resourceVersion: scaled.metadata.resourceVersion };
  return table([scaled], metadata, { kind: { columns }, version: exchange.accepted().asVersion, include, now, columns: true, show: (one) => one });
}

const COLUMNS: readonly Column[] = [
  { name: 'Name', type: 'string', priority: 0, cell: ({ metadata }) => metadata.name ?? '' },
  { name: 'Desired', type: 'integer', priority: 0, cell: (object) => (object as unknown as Replicated).spec?.replicas ?? 0 },
  { name: 'Available', type: 'integer', priority: 0, cell: (object) => (object as unknown as Replicated).status?.replicas ?? 0 },
  { name: 'Age', type: 'string', priority: 0, cell: (object, now) => AGE.cell(object, now) },
];

/** Of custom resources. */
export const CUSTOM_COLUMNS: readonly Column[] = COLUMNS.map((column) => ({ ...column, ...(column.name === 'Name' && { format: 'name' }), ...(column.name === 'Age' && { type: 'date' }) }));

function document(object: object): Answer {
  return { type: 'document', code: 200, object };
}

const REPLICAS = ['spec', 'replicas'];

/** An apply of a Scale is an apply of the replicas of what it scales. */
async function applyScale(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const { query } = exchange;
  const missing = query.get('fieldManager') ? [] : [required(Path.of('fieldManager'), 'is required for apply patch')];
  const options = parseWriteOptions(exchange, 'PatchOptions', missing);
  const sent = await readPatch(exchange, APPLY_PATCH, options.fieldValidation);
  const { namespace, name } = exchange.route;
  const force = !['false', '0'].includes(query.get('force') ?? 'false');
  const changed = await updateObject(core, exchange, {
    resource, namespace, name, subresource: 'scale', options, tracked: true, admitted: scaleOf, admittedOld: scaleOf, readmit: setReplicas,
    produce({ object }) {
      const write: ScaleWrite = { resource, exchange, options, now: core.clock.now(), path: REPLICAS, object, before: scaleOf(object) };
      return applyToScale(write, { value: sent().value as ApiObject, force, withReplicas: (scaled) => withReplicas(object, scaled, resource) });
    },
  });
  return document(scaleOf(changed.object.object));
}

async function readChange(exchange: Exchange, validation: FieldValidation): Promise<(before: unknown) => ApiObject> {
  const patch = await readPatch(exchange, mediaType(exchange.body.contentType), validation);
  return (before) => patched(exchange, patch(), { expected: SCALE, before, validation });
}

interface Replicated {
  readonly spec?: { readonly replicas?: number; readonly selector?: object };
  readonly status?: { readonly replicas?: number };
}

function scaleOf(object: DeepReadonly<ApiObject>): ApiObject {
  const { spec, status } = object as unknown as Replicated;
  return scaleObject(object, { wanted: spec?.replicas ?? 0, present: status?.replicas ?? 0, selector: selectorText(object) });
}

/** A ReplicationController selects by labels alone. */
function selectorText(object: DeepReadonly<ApiObject>): string {
  const { spec } = object as unknown as Replicated;
  if (!spec?.selector) return '';
  return formatSelector(object.kind === 'ReplicationController' ? selectLabels(spec.selector as Record<string, string>) : compileLabelSelector(spec.selector));
}

function setReplicas(object: ApiObject, scaled: ApiObject): void {
  object['spec'] = { ...(object['spec'] as object), replicas: (scaled as unknown as Replicated).spec?.replicas ?? 0 };
}

/** `resource`: it has not been found out yet whether this is the object that was meant. */
function withReplicas(object: Readonly<ApiObject>, wanted: ApiObject, resource: Resource | undefined): ApiObject {
  const replicas = (wanted as unknown as Replicated).spec?.replicas ?? 0;
  if (replicas < 0) {
    const wrong = invalid(Path.of('spec', 'replicas'), replicas, 'must be greater than or equal to 0');
    throw invalidObject('autoscaling', 'Scale', wanted.metadata.name ?? '', [wrong]);
  }
  const { uid } = wanted.metadata;
  if (resource && uid && uid !== object.metadata.uid) {
    throw conflict({ ...resource.subject(object.metadata.name ?? ''), resource: `${resource.kind.plural}/scale` }, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`);
  }
  const next = deepCopy(object) as ApiObject;
  setReplicas(next, wanted);
  next.metadata.resourceVersion = wanted.metadata.resourceVersion ?? '';
  return next;
}
