/** Times as objects carry them. */

/** RFC 3339, to the second: metav1.Time. Many say the same second: they are given one text. */
export function timeText(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== last.second) last = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return last.text;
}

let last = { second: Number.NaN, text: '' };

/** RFC 3339 with six decimals: metav1.MicroTime. */
export function microTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

export function timeMs(text: string): number {
  return Date.parse(text);
}
