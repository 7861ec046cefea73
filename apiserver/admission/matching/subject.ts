/** What a request is about, in the words of rules and reviews. */
import type { Kind } from '../../../api/kind.ts';
import type { AdmissionRequest } from '../admission.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** A resource in one of its versions, and the kind that is spoken there. */
export interface Target {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
}

/** As the client asked for it. */
export function targetOf({ kind, version, subresource }: AdmissionRequest): Target {
  return targetIn(kind, version, subresource);
}

export function targetIn(row: Kind, version: string, subresource: string): Target {
  const { group, plural, kind } = row;
  const speaks = subresource === '' ? undefined : row.subresources.find(({ name }) => name === subresource)?.speaks;
  return { resource: { group, version, resource: plural }, kind: speaks ?? { group, version, kind } };
}

const views = new WeakMap<Kind, readonly Kind[]>();

/** What a request is about, worked out once for all the rules that look at it. */
export class RequestTargets {
  readonly request: AdmissionRequest;
  /** As the client asked for it. */
  readonly asked: Target;
  readonly #kinds: () => readonly Kind[];
  #others: readonly Target[] | undefined;

  /** `kinds`: all that is served. */
  constructor(request: AdmissionRequest, kinds: () => readonly Kind[]) {
    this.request = request;
    this.asked = targetOf(request);
    this.#kinds = kinds;
  }

  /** The same objects under other names: other served versions, and other kinds that are views of the same store. */
  get others(): readonly Target[] {
    return (this.#others ??= this.#equivalents());
  }

  #equivalents(): Target[] {
    const { kind, version, subresource } = this.request;
    let rows = views.get(kind);
    if (!rows) views.set(kind, (rows = [kind, ...this.#kinds().filter((row) => row !== kind && row.storagePath === kind.storagePath)]));
    return rows.flatMap((row) =>
      row.versions.filter((one) => row !== kind || one.version !== version).map((one) => targetIn(row, one.version, subresource)),
    );
  }
}

export function isNamespaceObject({ kind }: Pick<AdmissionRequest, 'kind'>): boolean {
  return kind.group === '' && kind.plural === 'namespaces';
}

/** A namespace counts as in itself. */
export function namespaceOf(request: AdmissionRequest): string {
  return isNamespaceObject(request) ? request.name : request.namespace;
}

const POLICIES = new Set(['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings']);
const WEBHOOKS = new Set(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']);

/** What configures policies is not subject to policies: nobody shall lock himself out. */
export function isPolicy({ kind }: AdmissionRequest): boolean {
  return kind.group === 'admissionregistration.k8s.io' && POLICIES.has(kind.plural);
}

/** What configures policies or webhooks is not subject to webhooks. */
export function isExempt(request: AdmissionRequest): boolean {
  const { group, plural } = request.kind;
  return isPolicy(request) || (group === 'admissionregistration.k8s.io' && WEBHOOKS.has(plural));
}
