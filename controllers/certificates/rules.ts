/** Which requests each of the cluster's signers takes, and for how long it signs. Pure; words are upstream's. */
import type { RequestFacts } from './authority.ts';

export const CLIENT = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
export const LEGACY = 'kubernetes.io/legacy-unknown';

const NODE_PREFIX = 'system:node:';
const MINUTE_MS = 60_000;
const BACKDATE_MS = 5 * MINUTE_MS;
const SHORTEST_MS = 10 * MINUTE_MS;
/** Below this the end of a certificate is not moved with its beginning. */
const SHORT_MS = 8 * 60 * MINUTE_MS;

type Rule = (facts: RequestFacts, usages: readonly string[]) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  [CLIENT](_, usages) {
    const other = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
    if (other !== undefined) return `invalid usage for client certificate: ${other}`;
    return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
  },
  [KUBELET_CLIENT]: kubeletClientProblem,
  [KUBELET_SERVING]({ commonName, organizations, dnsNames, addresses, emails, uris }, usages) {
    if (!isNodes(organizations)) return 'subject organization is not system:nodes';
    if (dnsNames.length === 0 && addresses.length === 0) return 'DNS or IP subjectAltName is required';
    if (emails.length > 0) return 'Email subjectAltNames are not allowed';
    if (uris.length > 0) return 'URI subjectAltNames are not allowed';
    if (!areUsages(usages, 'server auth')) return 'usages did not match [digital signature key encipherment server auth]';
    return commonName.startsWith(NODE_PREFIX) ? undefined : 'subject common name does not begin with system:node:';
  },
  [LEGACY]: () => undefined,
};

/** Whether it is one of the cluster's own. */
export function isKnownSigner(name: string): boolean {
  return Object.hasOwn(RULES, name);
}

/** Why a signer does not take a request; undefined: it does. */
export function problemOf(signer: string, facts: RequestFacts, usages: readonly string[]): string | undefined {
  return RULES[signer]?.(facts, usages);
}

export function kubeletClientProblem({ commonName, organizations, dnsNames, addresses, emails, uris }: RequestFacts, usages: readonly string[]): string | undefined {
  if (!isNodes(organizations)) return 'subject organization is not system:nodes';
  if (dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (addresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!commonName.startsWith(NODE_PREFIX)) return 'subject common name does not begin with system:node:';
  return areUsages(usages, 'client auth') ? undefined : 'usages did not match [client auth digital signature key encipherment]';
}

export function validity(expirationSeconds: number | undefined, { now, longestMs }: { readonly now: number; readonly longestMs: number }): { readonly notBefore: Date; readonly notAfter: Date } {
  const asked = expirationSeconds === undefined ? longestMs : expirationSeconds * 1000;
  const lifetime = asked > longestMs ? longestMs : Math.max(asked, Math.min(SHORTEST_MS, longestMs));
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifetime - (lifetime < SHORT_MS ? 0 : BACKDATE_MS)) };
}

function isNodes(organizations: readonly string[]): boolean {
  return organizations.length === 1 && organizations[0] === 'system:nodes';
}

/** With or without encipherment, which only some kinds of key do. */
function areUsages(usages: readonly string[], purpose: string): boolean {
  const set = new Set(usages);
  set.delete('key encipherment');
  return set.size === 2 && set.has('digital signature') && set.has(purpose);
}
