/** Names that are kept for policies and webhooks in files, which upstream reads behind a feature gate. */
const SUFFIX = '.static.k8s.io';

export function reservedNameWarnings({ metadata }: { readonly metadata?: { readonly name?: string } }): string[] {
  if (!metadata?.name?.endsWith(SUFFIX)) return [];
  return [`metadata.name: names ending with "${SUFFIX}" are reserved for static manifest-based configurations and cannot be managed via the API`];
}
