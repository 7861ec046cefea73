/** Why a container could not be started, as its status says it. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  /** `ErrImagePull`, `CreateContainerError`, … */
  readonly reason: string;
  readonly retryAfterMs: number;
  constructor(reason: string, message: string, retryAfterMs: number = START_RETRY_MS) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How long after a failure the next attempt is made. */
export const START_RETRY_MS = 10_000;
