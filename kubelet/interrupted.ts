/** Promises that follow a signal, so that what cannot be interrupted is at least not waited for. */

/** Resolves when the signal is aborted. */
export function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Rejects when the signal is aborted, with its reason. */
export async function aborted(signal: AbortSignal): Promise<never> {
  await interrupted(signal);
  throw signal.reason as Error;
}
