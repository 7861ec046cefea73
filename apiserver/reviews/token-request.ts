/** TokenRequest, the subresource `serviceaccounts/token`: issues a token for an account, bound to an object if asked. */
import { show } from '../../api/field-error.ts';
import { goQuote } from '../../api/go-quote.ts';
import type { ApiObject } from '../../api/kind.ts';
import { nodes, pods, secrets, serviceaccounts } from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { ApiError, badRequest, conflict, notFound } from '../../api/status.ts';
import { PROJECTED_TOKEN_SECONDS } from '../admission/service-account.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { IssueOptions, ServiceAccountTokens } from '../auth/service-account-tokens.ts';

export interface TokenRequestOptions {
  readonly object: ApiObject;
  readonly namespace: string;
  /** The account's name, from the URL. */
  readonly name: string;
  readonly now: number;
}

export interface TokenRequestDependencies {
  readonly reader: Reader;
  readonly tokens: ServiceAccountTokens;
}

interface Spec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string; readonly uid?: string } | null;
}

const GROUP = 'authentication.k8s.io';
const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
/** Tokens of the projected volume hold for a year, so that programs which read them only once go on; the server warns after the asked time. */
const EXTENDED_SECONDS = 365 * 24 * 3600;

/** Runs after the core has decoded the body; NodeRestriction has seen it. The answer is rendered with 201. */
export async function requestToken({ object, namespace, name, now }: TokenRequestOptions, { reader, tokens }: TokenRequestDependencies): Promise<ApiObject> {
  const { metadata = {} } = object;
  if (metadata.name && metadata.name !== name) throw invalid(name, 'metadata.name', metadata.name, 'must match the service account name if specified');
  if (metadata.namespace && metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const account = await find(reader, serviceaccounts, namespace, name);
  const { uid } = account.metadata;
  if (metadata.uid && metadata.uid !== uid) {
    throw conflict({ group: GROUP, resource: 'TokenRequest', name }, `the UID in the token request (${metadata.uid}) does not match the UID of the service account (${uid})`);
  }
  const spec = (object['spec'] ?? {}) as Spec;
  const audiences = spec.audiences?.length ? spec.audiences : tokens.audiences;
  const seconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
  if (seconds < MIN_SECONDS) throw invalid('', 'spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes');
  if (seconds > MAX_SECONDS) throw invalid('', 'spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds');
  const bound = await boundTo(reader, namespace, name, spec.boundObjectRef ?? undefined);
  const extended = bound.pod !== undefined && seconds === PROJECTED_TOKEN_SECONDS && audiences.every((audience) => tokens.audiences.includes(audience));
  const token = await tokens.issue({
    namespace, serviceAccount: { name, uid }, audiences, ...bound,
    expirationSeconds: extended ? EXTENDED_SECONDS : seconds,
    ...(extended && { warnAfterSeconds: seconds }),
  });
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'TokenRequest',
    metadata: { ...metadata, name, namespace, uid, creationTimestamp: timestamp(now) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(now + seconds * 1000) },
  };
}

/** What the token is bound to, which must be there now. */
async function boundTo(reader: Reader, namespace: string, account: string, ref: NonNullable<Spec['boundObjectRef']> | undefined): Promise<Pick<IssueOptions, 'pod' | 'node' | 'secret'>> {
  if (!ref) return {};
  const { apiVersion = '', kind = '', name = '' } = ref;
  const core = !apiVersion.includes('/');
  if (core && BINDABLE.has(kind)) checkName(name);
  if (core && kind === 'Pod') {
    const pod = await find(reader, pods, namespace, name);
    if (pod.spec?.serviceAccountName !== account) throw badRequest(`cannot bind token for serviceaccount ${goQuote(account)} to pod running with different serviceaccount name.`);
    const { nodeName } = pod.spec;
    const node = nodeName ? { name: nodeName, uid: (reader.get(nodes, '', nodeName) ?? (await reader.getFresh(nodes, '', nodeName)))?.metadata.uid ?? '' } : undefined;
    return { pod: identity(pod, ref), ...(node && { node }) };
  }
  if (core && kind === 'Node') return { node: identity(await find(reader, nodes, '', name), ref) };
  if (core && kind === 'Secret') return { secret: identity(await find(reader, secrets, namespace, name), ref) };
  const [group, version] = core ? ['', apiVersion] : apiVersion.split('/');
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}

const BINDABLE = new Set(['Pod', 'Node', 'Secret']);

/** Throws 400 on what can be no object's name. */
function checkName(name: string): void {
  if (name === '') throw badRequest('Name parameter required.');
  if (name === '.' || name === '..') throw badRequest(`Name parameter invalid: ${goQuote(name)}: may not be '${name}'`);
  const char = ['/', '%'].filter((one) => name.includes(one)).map((one) => `may not contain '${one}'`);
  if (char.length > 0) throw badRequest(`Name parameter invalid: ${goQuote(name)}: ${char.join(';')}`);
}

/** Past the cache: who asks may have made the object just now, and one that is gone must not get a token. */
async function find<T>(reader: Reader, resource: ResourceRef<T>, namespace: string, name: string): Promise<Stored<T>> {
  const found = await reader.getFresh(resource, namespace, name);
  if (!found) throw notFound({ group: resource.group, resource: resource.resource, name });
  return found;
}

function identity({ metadata: { name, uid } }: Stored<unknown>, ref: NonNullable<Spec['boundObjectRef']>): { readonly name: string; readonly uid: string } {
  if (ref.uid && ref.uid !== uid) {
    throw conflict({ group: '', resource: ref.kind ?? '', name }, `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  }
  return { name, uid };
}

function invalid(name: string, field: string, value: string | number, why: string): ApiError {
  const message = `Invalid value: ${show(value)}: ${why}`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `TokenRequest.${GROUP} ${goQuote(name)} is invalid: ${field}: ${message}`,
    details: { ...(name && { name }), group: GROUP, kind: 'TokenRequest', causes: [{ reason: 'FieldValueInvalid', message, field }] },
  });
}

/** RFC 3339 to the second. */
function timestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
