/** Waiting for what must come about, with a limit after which the last state is shown. */

/** Asks again and again until the answer is neither undefined nor false. Limits are generous: they only end what hangs. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  let last: unknown;
  for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 1.5)) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not so after ${limitMs / 1000} s${last instanceof Error ? `: ${last.message}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
