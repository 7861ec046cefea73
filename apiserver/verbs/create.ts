/** POST: a new object. */
import { copyNoted } from '../../api/codec/empties.ts';
import type { ApiObject, RuleContext } from '../../api/kind.ts';
import { Path, required } from '../../api/field-error.ts';
import { isReason } from '../../api/status.ts';
import { noteSaid } from '../audit/said.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core, Settle } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import type { Exchange, ObjectAnswer, StoredForm } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import { trackManager } from '../objects/managed-fields.ts';
import { stateOf, storedState } from '../objects/current.ts';
import { checkNamespace, createdWithVersion, dropGiven } from '../objects/identity.ts';
import { dropDuplicateOwners } from '../objects/owners.ts';
import { generatedName, namespaceFacts, prepareNew } from '../objects/prepare.ts';
import { existsError, put } from '../objects/put.ts';
import type { Resource } from '../registry/resource.ts';
import { parseWriteOptions, type WriteOptions } from '../request/write-options.ts';
import { Conflict } from '../storage/store.ts';

export async function create(core: Core, exchange: Exchange, resource: Resource): Promise<ObjectAnswer> {
  const options = parseWriteOptions(exchange, 'CreateOptions');
  const { version } = resource;
  const own = await decodeBody(exchange, resource.expected, options.fieldValidation);
  version.defaults?.(own);
  noteSaid(exchange, own);
  checkNamespace(own, exchange.route, resource);
  // Before admission, which shall not take them for the server's.
  dropGiven(own);
  return { type: 'object', code: 201, resource, object: await createObject(core, exchange, { resource, object: resource.toHub(own), options }) };
}

export interface NewObject {
  readonly resource: Resource;
  /** Hub version, defaulted. Will be changed. */
  readonly object: ApiObject;
  readonly options: WriteOptions;
  /** Apply has done the bookkeeping of managers itself. */
  readonly tracked?: boolean;
}

/**
 * From admission to the store: also what PUT and apply do with an object that is not there. Each step is awaited, also where it has
 * nothing to wait for: those who came together (`std/cohort.ts`) take it one after the other, while its code is at hand.
 */
export async function createObject(core: Core, exchange: Exchange, { resource, object, options, tracked }: NewObject): Promise<StoredForm> {
  const { metadata } = object;
  dropDuplicateOwners(metadata, exchange.warnings);
  const { dryRun, sent } = options;
  const now = core.clock.now();
  const context: RuleContext = { now, dryRun, subresource: '', user: exchange.user.name, ...namespaceFacts(core, resource, metadata.namespace ?? '') };
  const request: AdmissionRequest = {
    operation: 'CREATE', kind: resource.kind, version: resource.version.version, subresource: '', namespace: metadata.namespace ?? '', name: metadata.name ?? '', object, old: undefined,
    options: sent, user: exchange.user, dryRun, now, warnings: exchange.warnings, caller: exchange,
  };
  if (!tracked) await trackManager({ resource, exchange, options, old: undefined, object, now });
  await core.admission.mutate(request);
  const versioned = isNumber(metadata.resourceVersion) && !dryRun;
  // What is not stored shows what it came with.
  if (!dryRun || !metadata.resourceVersion) delete metadata.resourceVersion;
  const attempt: Attempt = { resource, object, request, context, warnings: exchange.warnings, versioned };
  return !metadata.name && metadata.generateName ? createGenerated(core, attempt) : createOnce(core, attempt);
}

/** A name that is taken already is drawn anew. */
async function createGenerated(core: Core, first: Attempt): Promise<StoredForm> {
  let attempt = first;
  for (let drawn = 1; ; drawn++) {
    try {
      return await createOnce(core, attempt);
    } catch (error) {
      if (drawn >= GENERATE_ATTEMPTS || !isReason(error, 'AlreadyExists')) throw error;
      // What was on its way into the store is frozen.
      const object = copyNoted(attempt.object);
      delete object.metadata.name;
      attempt = { ...attempt, object, request: { ...attempt.request, object } };
    }
  }
}

/** Names drawn for one object before the collision is told. */
const GENERATE_ATTEMPTS = 8;

interface Attempt {
  readonly resource: Resource;
  readonly object: ApiObject;
  readonly request: AdmissionRequest;
  readonly context: RuleContext;
  readonly warnings: string[];
  /** It came with a version, which only what is stored may have. */
  readonly versioned: boolean;
}

async function createOnce(core: Core, attempt: Attempt): Promise<StoredForm> {
  const { resource, object, context } = attempt;
  const settle = await beginCreate(core, resource, object, context.dryRun);
  try {
    return await store(core, attempt, settle);
  } catch (error) {
    await settle?.rollback();
    throw error;
  }
}

/** Names that are drawn are drawn before anything is reserved for them. */
function beginCreate(core: Core, { kind }: Resource, object: ApiObject, dryRun: boolean): Promise<Settle> | undefined {
  const { metadata } = object;
  if (metadata.generateName && !metadata.name) metadata.name = generatedName(core, metadata.generateName);
  return core.hooks.begin({ resource: kind.plural, group: kind.group, object, old: undefined, dryRun });
}

async function store(core: Core, { resource, object, request, context, warnings, versioned }: Attempt, settle: Settle | undefined): Promise<StoredForm> {
  prepareNew(core, object, { resource, context, warnings });
  const { name = '', namespace = '' } = object.metadata;
  if (name === '') {
    const missing = required(Path.of('metadata', 'name'), 'name or generateName is required');
    throw invalidObject(resource.kind.group, resource.kind.kind, '', [missing]);
  }
  const final = request.name === '' ? { ...request, name } : request;
  await core.admission.validate(final);
  const { dryRun } = context;
  const key = resource.key(namespace, name);
  try {
    if (versioned) throw createdWithVersion();
    if (dryRun) {
      const there = await storedState(core, resource, key);
      if (there) throw existsError(resource, name, there.object, object);
    }
    return await put(core, { resource, key, name, expected: 0, object, old: undefined, dryRun, settle });
  } catch (error) {
    core.admission.undo(final);
    throw error instanceof Conflict ? existsError(resource, name, error.current && stateOf(resource, error.current).object, object) : error;
  }
}

function isNumber(version: string | undefined): boolean {
  return version !== undefined && /^[0-9]+$/.test(version) && Number(version) !== 0;
}
