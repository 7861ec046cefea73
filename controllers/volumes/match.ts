/** Which volume a claim gets: one meant for it, else the smallest of those with the fewest access modes that fit. Pure. */
import { compareQuantities, parseQuantity, zeroQuantity, type Quantity } from '../../api/quantity.ts';
import { matchesLabels } from '../../api/selectors.ts';
import { isDeleting, selectorOf } from '../owners.ts';
import { classOf, isFor, type StoredClaim, type StoredVolume } from './claims.ts';

export function bestMatch(claim: StoredClaim, volumes: readonly StoredVolume[], options: { readonly waits: boolean }): StoredVolume | undefined {
  const wanted = amount(claim.spec?.resources?.requests?.storage);
  const fitting = volumes.filter((volume) => {
    if (volume.spec?.claimRef && !isFor(volume, claim)) return false;
    if (!hasModes(claim, volume) || isDeleting(volume) || modeOf(claim) !== modeOf(volume)) return false;
    return compareQuantities(amount(volume.spec?.capacity?.storage), wanted) >= 0 && attributesOf(claim) === attributesOf(volume);
  });
  const own = fitting.filter((volume) => isFor(volume, claim)).toSorted(byFit)[0];
  // A claim that waits for its consumer is given a volume by the scheduler.
  if (own || options.waits) return own;
  const selector = claim.spec?.selector && selectorOf(claim.spec.selector);
  const free = fitting.filter((volume) => volume.status?.phase === 'Available' && classOf(volume) === classOf(claim) && (!selector || matchesLabels(selector, volume.metadata.labels)));
  return free.toSorted(byFit)[0];
}

/** Why a volume that was asked for by name does not do. Words are upstream's. */
export function mismatch(volume: StoredVolume, claim: StoredClaim): string | undefined {
  if (isDeleting(volume)) return `the volume is marked for deletion "${volume.metadata.name}"`;
  if (compareQuantities(amount(volume.spec?.capacity?.storage), amount(claim.spec?.resources?.requests?.storage)) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if (attributesOf(volume) !== attributesOf(claim)) return 'volumeAttributesClassName does not match';
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode';
  return hasModes(claim, volume) ? undefined : 'incompatible accessMode';
}

export function modeOf({ spec }: StoredClaim | StoredVolume): string {
  return spec?.volumeMode ?? 'Filesystem';
}

function byFit(a: StoredVolume, b: StoredVolume): number {
  const modes = (volume: StoredVolume): number => volume.spec?.accessModes?.length ?? 0;
  return modes(a) - modes(b) || compareQuantities(amount(a.spec?.capacity?.storage), amount(b.spec?.capacity?.storage)) || a.metadata.name.localeCompare(b.metadata.name);
}

function hasModes(claim: StoredClaim, volume: StoredVolume): boolean {
  const has = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every((mode) => has.includes(mode));
}

function attributesOf({ spec }: StoredClaim | StoredVolume): string {
  return spec?.volumeAttributesClassName ?? '';
}

export function amount(text: string | undefined): Quantity {
  return (text === undefined ? undefined : parseQuantity(text)) ?? zeroQuantity;
}
