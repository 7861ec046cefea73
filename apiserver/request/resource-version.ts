/** Resource versions as clients write them: opaque to clients, revisions of the store to us. */
import { goQuote } from '../../api/go-quote.ts';
import { ApiError, badRequest } from '../../api/status.ts';

const NUMBER = /^[0-9]+$/;
const LARGEST = 2n ** 64n - 1n;

/** The revision behind a version; undefined for '' and '0', which name none. */
export function parseVersion(text: string): number | undefined {
  if (text === '' || text === '0') return undefined;
  if (!NUMBER.test(text)) throw new InvalidVersion(text, 'invalid syntax');
  if (text.length > 19 && BigInt(text) > LARGEST) throw new InvalidVersion(text, 'value out of range');
  return Number(text) || undefined;
}

/** The message is that of the number alone; who answers says in its own way what the number was for. */
export class InvalidVersion extends Error {
  override readonly name = 'InvalidVersion';
  readonly value: string;
  constructor(value: string, why: string) {
    super(`strconv.ParseUint: parsing ${goQuote(value)}: ${why}`);
    this.value = value;
  }
}

/** Lists answer 400 to a version that is none. */
export function versionForList(text: string): number | undefined {
  return parseOr(text, (why) => badRequest(`invalid resource version: ${ofField(why)}`));
}

/** Get and watch answer 500 without a reason. */
export function versionForOthers(text: string): number | undefined {
  return parseOr(text, (why) => new ApiError({ code: 500, message: ofField(why) }));
}

/** So do updates, in yet other words. */
export function versionForUpdate(text: string): number | undefined {
  return parseOr(text, (why) => new ApiError({ code: 500, message: why.message }));
}

function ofField({ value, message }: InvalidVersion): string {
  return `resourceVersion: Invalid value: ${goQuote(value)}: ${message}`;
}

function parseOr(text: string, refuse: (why: InvalidVersion) => ApiError): number | undefined {
  try {
    return parseVersion(text);
  } catch (error) {
    throw refuse(error as InvalidVersion);
  }
}

/** Asked for a version that has not come about, or not in time. */
export function tooLarge(asked: number, current: number): ApiError {
  const message = 'Too large resource version';
  return new ApiError({
    code: 504, reason: 'Timeout', message: `Timeout: ${message}: ${asked}, current: ${current}`,
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message }], retryAfterSeconds: 1 },
  });
}

export function expired(message = 'The resourceVersion for the provided watch is too old.'): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message });
}
