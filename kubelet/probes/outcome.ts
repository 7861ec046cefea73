/** What one attempt of a probe found. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'warning';
  readonly output: string;
}

/** Bound on what is kept of an answer. */
export const OUTPUT_LIMIT_BYTES = 10 * 1024;
