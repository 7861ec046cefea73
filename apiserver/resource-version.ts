/** Resource versions as clients write them: opaque to clients, revisions of the store to us. */
import { ApiError, badRequest } from '../api/status.ts';

const NUMBER = /^[0-9]{1,19}$/;

/** The revision behind a version; undefined for '' and '0', which name none. */
export function parseVersion(text: string): number | undefined {
  if (text === '' || text === '0') return undefined;
  if (!NUMBER.test(text)) throw new InvalidVersion(text);
  return Number(text);
}

export class InvalidVersion extends Error {
  override readonly name = 'InvalidVersion';
  constructor(text: string) {
    super(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}

/** Lists answer 400 to a version that is none. */
export function versionForList(text: string): number | undefined {
  return parseOr(text, (why) => badRequest(`resourceVersion: ${why}`));
}

/** Everything else answers 500 without a reason. */
export function versionForOthers(text: string): number | undefined {
  return parseOr(text, (why) => new ApiError({ code: 500, message: `invalid resource version: resourceVersion: ${why}` }));
}

function parseOr(text: string, refuse: (why: string) => ApiError): number | undefined {
  try {
    return parseVersion(text);
  } catch (error) {
    throw refuse((error as Error).message);
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
