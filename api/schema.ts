/** What a schema is to the rest of the system: a named type of the facts table, or the structural schema of a custom resource. */

export type Schema =
  /** A type by its full name in the facts table, `io.k8s.api.core.v1.Pod`. */
  | { readonly type: string }
  /** `openAPIV3Schema` of a CustomResourceDefinition version, taken to be structural. */
  | { readonly structural: Readonly<Record<string, unknown>> };
