/** Claims for a fraction of a byte. */
import type { Path } from '../../field-error.ts';
import { canonicalQuantity, isFractional, parseQuantity } from '../../quantity.ts';
import type { PersistentVolumeClaimSpec } from '../../types/core.v1.ts';

export function claimSpecWarnings(spec: PersistentVolumeClaimSpec, path: Path): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const text = spec.resources?.[list]?.['storage'];
    const quantity = text === undefined ? undefined : parseQuantity(text);
    if (text === undefined || !quantity || !isFractional(quantity)) return [];
    return [`${path.child('resources', list).key('storage')}: fractional byte value "${canonicalQuantity(text)}" is invalid, must be an integer`];
  });
}
