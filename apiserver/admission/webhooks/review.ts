/** AdmissionReview: the question that is sent to a webhook, and what its answer must look like. Provenance: admission/plugin/webhook/request of apiserver v0.36. */
import { goQuote } from '../../../api/go-quote.ts';
import type { AdmissionResponse } from '../../../api/types/admission.v1.ts';
import type { UserInfo } from '../../auth/auth.ts';
import type { AdmissionRequest } from '../admission.ts';
import { namespaceOf, targetOf, type Target } from '../matching/subject.ts';
import type { Versioned } from '../matching/versioned.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

/** The first that both sides speak. */
export function reviewVersion(accepted: readonly string[]): ReviewVersion | undefined {
  return accepted.find((one): one is ReviewVersion => one === 'v1' || one === 'v1beta1');
}

export interface Question {
  readonly uid: string;
  readonly version: ReviewVersion;
  /** What the webhook's rule speaks of; may be an equivalent of what the client asked for. */
  readonly target: Target;
  readonly versioned: Versioned;
}

export function writeReview(request: AdmissionRequest, { uid, version, target, versioned }: Question): object {
  return {
    kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`,
    request: { uid, ...describe(request, target), object: versioned.object ?? null, oldObject: versioned.old ?? null, dryRun: request.dryRun, options: optionsOf(request) },
  };
}

/** What webhooks and expressions are told besides the objects. */
export function describe(request: AdmissionRequest, { kind, resource }: Target): object {
  const asked = targetOf(request);
  const { subresource, name, operation } = request;
  const namespace = namespaceOf(request);
  return {
    kind: ofKind(kind), resource, ...(subresource && { subResource: subresource }),
    requestKind: ofKind(asked.kind), requestResource: asked.resource, ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }), ...(namespace && { namespace }), operation, userInfo: userInfo(request.user),
  };
}

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

/** Of what is done to the object, whatever verb asked for it: a patch updates, or creates. */
export function optionsOf({ operation, options }: AdmissionRequest): object | null {
  return operation === 'CONNECT' ? null : { ...options, kind: OPTIONS[operation] };
}

function ofKind({ group, version, kind }: Target['kind']): Target['kind'] {
  return { group, version, kind };
}

function userInfo({ name, uid, groups, extra }: UserInfo): object {
  return {
    ...(name && { username: name }), ...(uid && { uid }), ...(groups.length > 0 && { groups }), ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}

export interface Verdict {
  readonly allowed: boolean;
  readonly status: AdmissionResponse['status'];
  /** As sent: base64 of a JSON patch, or ''. */
  readonly patch: string;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** The verdict, or what is wrong with the answer. */
export function readReview(answer: Record<string, unknown>, { uid, version }: Pick<Question, 'uid' | 'version'>, mutating: boolean): Verdict | { readonly problem: string } {
  const response = answer['response'] as AdmissionResponse | null | undefined;
  if (!response) return { problem: 'webhook response was absent' };
  const { patch = '', patchType } = response;
  if (version === 'v1') {
    if (response.uid !== uid) return { problem: `expected response.uid=${goQuote(uid)}, got ${goQuote(response.uid ?? '')}` };
    const problem = kindProblem(answer) ?? patchProblem(patch ?? '', patchType ?? undefined, mutating);
    if (problem) return { problem };
  }
  const { allowed = false, status, warnings, auditAnnotations } = response;
  // The older form told no type.
  const type = version === 'v1' ? (patchType ?? '') : patch ? 'JSONPatch' : '';
  return { allowed, status, patch: mutating ? (patch ?? '') : '', patchType: mutating ? type : '', warnings: warnings ?? [], auditAnnotations: auditAnnotations ?? {} };
}

/** A kind of review, in the versions of its group that both sides may speak. */
export interface ReviewKind {
  readonly group: string;
  readonly kind: string;
}

const ADMISSION: ReviewKind = { group: 'admission.k8s.io', kind: 'AdmissionReview' };

/** What is wrong with the kind of an answer before anything in it is read. */
export function answerProblem({ apiVersion, kind }: Record<string, unknown>, version: string, expected = ADMISSION): string | undefined {
  if (!apiVersion || !kind) return undefined;
  if (apiVersion === 'v1' && UNVERSIONED.has(String(kind))) return `converting (v1.${String(kind)}) to (${version}.${expected.kind}): unknown conversion`;
  const [group, sent = ''] = String(apiVersion).split('/');
  if (kind !== expected.kind || group !== expected.group || !/^v1(beta1)?$/.test(sent)) {
    return `no kind ${goQuote(String(kind))} is registered for version ${goQuote(String(apiVersion))} in scheme "pkg/runtime/scheme.go:111"`;
  }
  return sent === version ? undefined : `converting (${sent}.${kind}) to (${version}.${kind}): unknown conversion`;
}

/** Kinds that every scheme knows. */
const UNVERSIONED = new Set(['Status', 'APIVersions', 'APIGroupList', 'APIGroup', 'APIResourceList']);

/** What is wrong with the kind of an answer that could be read. */
export function kindProblem({ apiVersion = '', kind = '' }: Record<string, unknown>, expected = ADMISSION): string | undefined {
  const wanted = `${expected.group}/v1, Kind=${expected.kind}`;
  const version = String(apiVersion);
  const got = `${version.includes('/') ? version : `/${version}`}, Kind=${String(kind)}`;
  return got === wanted ? undefined : `expected webhook response of ${wanted}, got ${got}`;
}

function patchProblem(patch: string, type: string | undefined, mutating: boolean): string | undefined {
  if (!mutating) {
    if (patch !== '') return 'validating webhook may not return response.patch';
    return type === undefined ? undefined : 'validating webhook may not return response.patchType';
  }
  if (patch !== '' && type === undefined) return 'webhook returned response.patch but not response.patchType';
  if (patch === '' && type !== undefined) return 'webhook returned response.patchType but not response.patch';
  return type === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}
