/** What every change of an existing object goes through, whether it comes as PUT, patch, apply or through a subresource. */
import type { ApiObject, RuleContext } from '../../api/kind.ts';
import { Path } from '../../api/field-error.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import type { Resource } from '../registry/resource.ts';
import { versionForUpdate } from '../request/resource-version.ts';
import type { WriteOptions } from '../request/write-options.ts';
import { change, type Changed, type Decision } from './change.ts';
import { Contention } from './contention.ts';
import type { Current } from './current.ts';
import { goesWithUpdate } from './deletion.ts';
import { checkPreconditions, type Preconditions } from './identity.ts';
import { dropDuplicateOwners } from './owners.ts';
import { keepTimes, trackManager } from './managed-fields.ts';
import { namespaceFacts, prepareUpdate } from './prepare.ts';
import { modifiedError } from './put.ts';

export interface UpdateRequest {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly options: WriteOptions;
  /** The new state, in the hub version, of its own: it will be changed. */
  readonly produce: (current: Current) => Promise<ApiObject> | ApiObject;
  /** Apply has done the bookkeeping of managers itself. */
  readonly tracked?: boolean;
  readonly preconditions?: Preconditions | ((object: ApiObject) => Preconditions | undefined);
  /** What admission sees of a subresource that speaks another kind; default: the object itself. */
  readonly admitted?: (object: ApiObject) => ApiObject;
  readonly admittedOld?: (old: Readonly<ApiObject>) => Readonly<ApiObject>;
  /** Takes into the object what admission has made of what it was shown. */
  readonly readmit?: (object: ApiObject, admitted: ApiObject) => void;
}

/** Throws 404 when nothing is there. */
export function updateObject(core: Core, exchange: Exchange, request: UpdateRequest): Promise<Changed> {
  const { resource, namespace, name, options } = request;
  let undo: (() => void) | undefined;
  const attempt = async (current: Current | undefined): Promise<Decision> => {
    // Warnings of an attempt that lost the race are not the client's.
    exchange.warnings.length = warnedBefore;
    const { decision, admission } = await decide(core, exchange, request, current as Current);
    undo = () => core.admission.undo(admission);
    return decision;
  };
  const warnedBefore = exchange.warnings.length;
  return contention.orderly({ exchange, resource, namespace, name }, () => (
    change(core, { resource, key: resource.key(namespace, name), name, dryRun: options.dryRun, decide: attempt, refused: () => undo?.() })
  ));
}

/** All servers of the process share its one event loop. */
const contention = new Contention();

interface Decided {
  readonly decision: Decision;
  readonly admission: AdmissionRequest;
}

async function decide(core: Core, exchange: Exchange, request: UpdateRequest, current: Current): Promise<Decided> {
  const { resource, namespace, name, subresource, options } = request;
  const old = resource.seen(current.object) as Readonly<ApiObject>;
  const object = await request.produce(current);
  const now = core.clock.now();
  const preconditions = typeof request.preconditions === 'function' ? request.preconditions(object) : request.preconditions;
  checkPreconditions(preconditions, old, { resource, namespace, name, dryRun: options.dryRun });
  dropDuplicateOwners(object.metadata, exchange.warnings);
  const context: RuleContext = { now, dryRun: options.dryRun, subresource, user: exchange.user.name, ...(subresource !== '' && namespaceFacts(core, resource, namespace)) };
  const admission: AdmissionRequest = {
    operation: 'UPDATE', kind: resource.kind, version: resource.version.version, subresource, namespace, name, object: request.admitted?.(object) ?? object, old: request.admittedOld?.(old) ?? old,
    options: options.sent, user: exchange.user, dryRun: options.dryRun, now, warnings: exchange.warnings, caller: exchange,
  };
  // What will be refused for its version is tracked only where somebody else is to see it first.
  if (!request.tracked && (!isOutdated(object, current) || core.admission.isExtended(admission))) {
    await trackManager({ resource, exchange, options, old, object, now });
  }
  await core.admission.mutate(admission);
  if (admission.object) request.readmit?.(object, admission.object);
  checkVersion(object, current, resource, name);
  object.metadata.resourceVersion = old.metadata.resourceVersion ?? '';
  const settle = subresource === '' ? await core.hooks.begin({ resource: resource.plural, group: resource.kind.group, object, old, dryRun: options.dryRun }) : undefined;
  try {
    prepareUpdate(object, old, { resource, context, warnings: exchange.warnings });
    keepTimes(object, old);
    await core.admission.validate(admission);
  } catch (error) {
    await settle?.rollback();
    throw error;
  }
  if (!goesWithUpdate(resource, object, old)) return { admission, decision: { do: 'write', object, settle } };
  await settle?.rollback();
  return { admission, decision: { do: 'remove', object, unversioned: true } };
}

/** The object names a version that is not the one that stands. */
function isOutdated({ metadata: { resourceVersion } }: ApiObject, { revision }: Current): boolean {
  return resourceVersion !== undefined && /^[1-9][0-9]*$/.test(resourceVersion) && Number(resourceVersion) !== revision;
}

/** Without a version, or with 0, an update is unconditional where the kind allows it. */
function checkVersion(object: ApiObject, current: Current, resource: Resource, name: string): void {
  const version = versionForUpdate(object.metadata.resourceVersion ?? '');
  if (version === undefined) {
    if (resource.kind.strategy.unconditionalUpdate !== false) return;
    const field = Path.of('metadata', 'resourceVersion').text;
    // Upstream tells it of the resource's name, not of the kind's.
    throw invalidObject(resource.kind.group, resource.plural, name, [{ type: 'FieldValueInvalid', field, message: 'Invalid value: 0: must be specified for an update' }]);
  } else if (version !== current.revision) {
    throw modifiedError(resource, name);
  }
}
