/** Faults that a real API server shows as well: whoever compares the two must see the same. */

/** Provenance: what kube-apiserver v1.36.3 answers to such requests. */
const AS_UPSTREAM: readonly RegExp[] = [
  // Apply with what the type does not have, or with keys that come twice; managed fields that cannot be read.
  /failed to create typed (?:patch|live) object|failed to decode managed fields|failed to create manager|failed to convert new object/,
  // Versions that are no numbers, and objects that cannot have one yet.
  /resourceVersion should not be set on objects to be created|invalid resource version|strconv\.ParseUint|[Ii]nvalid value for resourceVersion/,
  // Directives and lists that strategic merge cannot make sense of.
  /patch directive|does not contain declared merge key|strategic|\$(?:patch|retainKeys|setElementOrder|deleteFromPrimitiveList)|primitive list|list element types are not identical|cannot be merged|unrecognized type|unable to find api field|data type is not struct/,
  // A binding to nothing.
  /"message":"(?:\[?(?:target|metadata)\.[a-z.]+: )/,
  /more than one PodDisruptionBudget/,
  /etcdserver: request is too large/,
  /failed to allocate requested HealthCheck NodePort|duplicate nodePort|failed to allocate a (?:nodePort|serviceIP)/,
  // A pod on no node, or on one that cannot be reached.
  /unable to determine kind and namespace from url|error trying to reach service|no preferred addresses found|dial tcp|Get "http|no endpoints available|service unavailable|ServiceUnavailable|pods? .* not have a host assigned|does not have a host assigned/,
  /Internal error occurred: (?:failed calling webhook|admission webhook|conversion)/,
];

export function isExpected(code: number, text: string): boolean {
  return code === 504 || AS_UPSTREAM.some((words) => words.test(text));
}

/** Refusals that come after the deed: what was written cannot be shown in the form that was asked for. */
export function isAfterwards(text: string): boolean {
  return /Unable to convert to Table as requested|you requested PartialObjectMetadata, but the requested object is a list/.test(text);
}
