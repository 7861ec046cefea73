/**
 * Whole numbers that a JavaScript number cannot hold: they are bigints in objects, and print as JSON numbers.
 *
 * JSON.stringify refuses bigints unless they have a `toJSON`; `JSON.rawJSON` prints the digits as they are. Importing this file gives them one.
 */

interface RawJson {
  rawJSON(text: string): unknown;
}

// oxlint-disable-next-line no-extend-native -- there is no other hook that reaches every JSON.stringify
Object.defineProperty(BigInt.prototype, 'toJSON', {
  configurable: true,
  writable: true,
  value(this: bigint): unknown {
    return rawJson(String(this));
  },
});

/** A number for JSON.stringify to print as it is written. */
export function rawJson(text: string): unknown {
  return (JSON as unknown as RawJson).rawJSON(text);
}

const INT64_LIMIT = 2n ** 63n;

export function isInt64(value: bigint): boolean {
  return value >= -INT64_LIMIT && value < INT64_LIMIT;
}

/** A number where it is exact, else a bigint. */
export function exactInteger(text: string): number | bigint {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return BigInt(text);
}
