/** What was found out about an object: what is so, the reasons one level further in, and what would change it. */

export interface Finding {
  readonly says: string;
  readonly because?: readonly Finding[];
  /** What somebody could do about it. */
  readonly change?: readonly string[];
}

const INDENT = '  ';

/** Findings as lines: reasons are indented, what would change something has an arrow before it. */
export function linesOf(findings: readonly Finding[], depth = 0): string[] {
  return findings.flatMap(({ says, because = [], change = [] }) => [
    `${INDENT.repeat(depth)}${says}`,
    ...linesOf(because, depth + 1),
    ...[...new Set(change)].map((what) => `${INDENT.repeat(depth + 1)}→ ${what}`),
  ]);
}

/** `a, b and c`, and how many more there are after the first few. */
export function names(list: readonly string[], most = 3): string {
  const shown = list.slice(0, most);
  const rest = list.length - shown.length;
  const parts = rest > 0 ? [...shown, `${rest} more`] : shown;
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) as string}` : (parts[0] ?? 'none');
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
