/** Times as objects carry them. */

/** RFC 3339, to the second: metav1.Time. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with six decimals: metav1.MicroTime. */
export function microTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

export function timeMs(text: string): number {
  return Date.parse(text);
}
