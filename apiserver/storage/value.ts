/** The bound on what one key may hold. */
import { VALUE_LIMIT_BYTES } from './store.ts';

export class ValueTooLarge extends Error {
  override readonly name = 'ValueTooLarge';
}

export function checkValue(key: string, value: Buffer | undefined): void {
  if (value && value.length > VALUE_LIMIT_BYTES) {
    throw new ValueTooLarge(`${key}: ${value.length} bytes are more than the ${VALUE_LIMIT_BYTES} that a value may have`);
  }
}
