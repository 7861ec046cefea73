/** How soon what failed of a pod is tried again. */

export const VOLUME_RETRY = { baseMs: 500, limitMs: 122_000 };
/** The network of a node that has just begun comes within seconds. */
export const SANDBOX_RETRY = { baseMs: 500, limitMs: 15_000 };
export const DELETE_RETRY = { baseMs: 500, limitMs: 30_000 };
export const FAILURE_RETRY = { baseMs: 1000, limitMs: 30_000 };
/** Volumes and tokens are looked after at least so often. */
export const RENEW_MS = 60_000;
