/** Figures that were measured just now in the text format of Prometheus. What is counted all along stands in a `Meter`. Pure. */
import { escapeHelp, escapeValue, number } from '../../std/meter.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Row {
  readonly labels: Labels;
  readonly value: number;
  /** When it was measured, in milliseconds; absent where that is now. */
  readonly at?: number | undefined;
}

export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly rows: readonly Row[];
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** Families without rows are left out; names of labels come in the order of the alphabet. */
export function exposition(families: readonly MetricFamily[]): string {
  return families.filter(({ rows }) => rows.length > 0).map(({ name, type, help, rows }) => `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${rows.map((row) => line(name, row)).join('')}`).join('');
}

function line(name: string, { labels, value, at }: Row): string {
  const texts = Object.keys(labels).sort().map((key) => `${key}="${escapeValue(labels[key] ?? '')}"`);
  return `${name}${texts.length > 0 ? `{${texts.join(',')}}` : ''} ${number(value)}${at === undefined ? '' : ` ${Math.round(at)}`}\n`;
}
