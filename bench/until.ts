/** Waiting for something to come about, by looking again and again. */

const LOOK_MS = 50;
const LIMIT_MS = 1_200_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws where it does not come about in time. */
export async function until(what: string, look: () => Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  for (const end = performance.now() + limitMs; !(await look()); await pause(LOOK_MS)) {
    if (performance.now() > end) throw new Error(`${what} did not come about`);
  }
}
