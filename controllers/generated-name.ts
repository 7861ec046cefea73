/** Names as the API server generates them: what is too long for a label is cut before the random end is added. */
import { nameSuffix, type Random } from '../std/random.ts';

/** The longest base that is not cut. */
export const GENERATED_BASE_LIMIT = 58;

export function generatedName(base: string, random: Random): string {
  return base.slice(0, GENERATED_BASE_LIMIT) + nameSuffix(random);
}
