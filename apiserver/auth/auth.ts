/** Who asks, and may they: the contracts between the request chain and its authenticators and authorizers. */
import type { PeerCertificate } from 'node:tls';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a caller shows of himself. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization?: string;
  /** A certificate that the TLS layer has verified against the authorities that this server trusts. */
  readonly certificate?: PeerCertificate;
  /** The fingerprint of the authority behind it. */
  readonly authority?: string;
  /** Node's flat list of names and values, for proxies that name their users in headers. */
  readonly rawHeaders?: readonly string[];
  /** What is asked for, where somebody may be anonymous at some paths only. */
  readonly path?: string;
}

/** Answers who it is, undefined when these credentials are not of its kind, and throws 401 when they are and do not hold. */
export interface Authenticator {
  authenticate(credentials: Credentials): Promise<UserInfo | undefined> | UserInfo | undefined;
}

export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** One question to the authorizers. `resource` is '' for paths that are no resources. */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** As sent, where the request lists or watches: a node may read pods only with `spec.nodeName=` itself. */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  readonly decision: 'allow' | 'deny' | 'no-opinion';
  readonly reason: string;
  /** An authorizer could not be asked, or gave no answer that could be used. */
  readonly error?: string;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface Authorizer {
  /** Synchronous wherever it can be: it stands on every request's path. */
  authorize(attributes: Attributes): Decision | Promise<Decision>;
  /** Everything that this user may do in a namespace, for SelfSubjectRulesReview and escalation checks. */
  rulesFor(user: UserInfo, namespace: string): { readonly resource: readonly ResourceRule[]; readonly nonResource: readonly NonResourceRule[]; readonly incomplete?: string };
}
