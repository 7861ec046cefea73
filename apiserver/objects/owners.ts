/** Owner references that say the same twice. */
import type { Metadata } from '../../api/kind.ts';
import { deepEqual } from '../../std/deep.ts';

/** Keeps the first of equal references, and warns. `mutated`: they came of admission. */
export function dropDuplicateOwners(metadata: Metadata, warnings: string[], { mutated = false }: { readonly mutated?: boolean } = {}): void {
  const references = metadata.ownerReferences;
  if (!references || references.length < 2) return;
  const kept = references.filter((reference, at) => !references.slice(0, at).some((earlier) => deepEqual(earlier, reference)));
  if (kept.length === references.length) return;
  metadata.ownerReferences = kept;
  const uids = references.filter((reference) => !kept.includes(reference)).map(({ uid }) => uid);
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${mutated ? ' after mutating admission happens' : ''}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...new Set(uids)].join(', ')}`,
  );
}
