/** What several servers of one process have counted, as one text: sums, and of what each of them sees alike the largest. */

interface Family {
  readonly head: string[];
  readonly isSummed: boolean;
  readonly samples: Map<string, number>;
}

/** Gauges that count what a server has in hand; others describe what all of them see. */
const IN_HAND = /current_|longrunning|executing|workqueue_|registered_watchers/;

/** `own` and `others` are in the text format of Prometheus, families whole and in one piece. */
export function mergeExpositions(own: string, others: readonly string[]): string {
  if (others.length === 0) return own;
  const families = new Map<string, Family>();
  for (const text of [own, ...others]) take(text, families);
  const lines: string[] = [];
  for (const name of [...families.keys()].sort()) {
    const { head, samples } = families.get(name) as Family;
    lines.push(...head);
    for (const [series, value] of samples) lines.push(`${series} ${spelled(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function take(text: string, families: Map<string, Family>): void {
  let family: Family | undefined;
  let help = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = line;
    else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type] = line.split(' ');
      family = families.get(name);
      if (!family) families.set(name, (family = { head: [help, line], isSummed: type !== 'gauge' || IN_HAND.test(name), samples: new Map() }));
    } else if (line !== '' && family) {
      const at = line.lastIndexOf(' ');
      const series = line.slice(0, at);
      const value = numberIn(line.slice(at + 1));
      const known = family.samples.get(series);
      family.samples.set(series, known === undefined ? value : family.isSummed ? known + value : Math.max(known, value));
    }
  }
}

function numberIn(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

function spelled(value: number): string {
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}
