/** Counters, gauges and histograms in the text format of Prometheus. A cell is looked up once; counting in it is an addition. */

export interface MeterOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Combinations of label values that are kept apart; what comes after them is counted together as `other`. */
  readonly limit?: number;
  /** Called before the family is shown: for values that are looked up rather than counted. */
  readonly collect?: () => void;
}

export const SERIES_LIMIT = 2_000;
const OTHER = 'other';

export class Meter {
  readonly #families = new Map<string, Family<Shown>>();
  #forgotten = 0;

  counter(options: MeterOptions): Family<Cell> {
    return this.#add(new Family('counter', options, () => new Cell()));
  }

  gauge(options: MeterOptions): Family<Cell> {
    return this.#add(new Family('gauge', options, () => new Cell()));
  }

  /** `buckets` are upper bounds, in order, without the infinite one. */
  histogram(options: MeterOptions & { readonly buckets: readonly number[] }): Family<HistogramCell> {
    return this.#add(new Family('histogram', options, () => new HistogramCell(options.buckets)));
  }

  /** How often something was forgotten: whoever keeps cells looks them up again then. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** What there was of these label values is no longer shown, in the families that have all of these labels. */
  forget(labels: Readonly<Record<string, string>>): void {
    this.#forgotten++;
    for (const family of this.#families.values()) family.forget(labels);
  }

  text(): string {
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].sort()) (this.#families.get(name) as Family<Shown>).show(lines);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #add<C extends Shown>(family: Family<C>): Family<C> {
    if (this.#families.has(family.name)) throw new Error(`the series ${family.name} is there already`);
    this.#families.set(family.name, family as unknown as Family<Shown>);
    return family;
  }
}

interface Shown {
  show(name: string, labels: string, lines: string[]): void;
}

export class Family<C extends Shown> {
  readonly name: string;
  readonly #kind: string;
  readonly #options: MeterOptions;
  readonly #make: () => C;
  readonly #cells = new Map<string, { readonly values: readonly string[]; readonly cell: C }>();

  constructor(kind: string, options: MeterOptions, make: () => C) {
    this.name = options.name;
    this.#kind = kind;
    this.#options = options;
    this.#make = make;
  }

  /** The cell of these label values, in the order of the labels. */
  of(...values: readonly string[]): C {
    const key = values.length === 1 ? (values[0] as string) : values.join('\0');
    const known = this.#cells.get(key);
    if (known) return known.cell;
    const { limit = SERIES_LIMIT, labels = [] } = this.#options;
    if (this.#cells.size >= limit) {
      const rest = labels.map(() => OTHER);
      const other = this.#cells.get(rest.join('\0'));
      if (other) return other.cell;
      return this.#put(rest);
    }
    return this.#put(values);
  }

  /** Forgets all cells: before a collection that sets those which still exist. */
  clear(): void {
    this.#cells.clear();
  }

  delete(...values: readonly string[]): void {
    this.#cells.delete(values.join('\0'));
  }

  forget(wanted: Readonly<Record<string, string>>): void {
    const { labels = [] } = this.#options;
    const places = Object.entries(wanted).map(([label, value]) => ({ at: labels.indexOf(label), value }));
    if (places.some(({ at }) => at < 0)) return;
    for (const [key, { values }] of this.#cells) if (places.every(({ at, value }) => values[at] === value)) this.#cells.delete(key);
  }

  show(lines: string[]): void {
    const { help, labels = [], collect } = this.#options;
    collect?.();
    if (this.#cells.size === 0) return;
    lines.push(`# HELP ${this.name} ${escapeHelp(help)}`, `# TYPE ${this.name} ${this.#kind}`);
    const shown = [...this.#cells.values()].map(({ values, cell }) => ({ text: labels.map((label, at) => `${label}="${escapeValue(values[at] ?? '')}"`).join(','), cell }));
    shown.sort((a, b) => (a.text < b.text ? -1 : 1));
    for (const { text, cell } of shown) cell.show(this.name, text, lines);
  }

  #put(values: readonly string[]): C {
    const cell = this.#make();
    this.#cells.set(values.join('\0'), { values, cell });
    return cell;
  }
}

export class Cell implements Shown {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }

  show(name: string, labels: string, lines: string[]): void {
    lines.push(`${name}${braced(labels)} ${number(this.value)}`);
  }
}

export class HistogramCell implements Shown {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const bounds = this.#bounds;
    for (let at = 0; at < bounds.length; at++) {
      if (value <= (bounds[at] as number)) {
        (this.#counts[at] as number)++;
        return;
      }
    }
  }

  show(name: string, labels: string, lines: string[]): void {
    const more = labels === '' ? '' : `${labels},`;
    let total = 0;
    for (const [at, bound] of this.#bounds.entries()) {
      total += this.#counts[at] as number;
      lines.push(`${name}_bucket{${more}le="${number(bound)}"} ${total}`);
    }
    lines.push(`${name}_bucket{${more}le="+Inf"} ${this.#count}`, `${name}_sum${braced(labels)} ${number(this.#sum)}`, `${name}_count${braced(labels)} ${this.#count}`);
  }
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

/** As Go writes them: an exponent has a sign and two digits. */
export function number(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const text = value >= 1e21 || (Number.isInteger(value) && Math.abs(value) >= 1e6) || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential() : String(value);
  return text.replace(/e([-+])(\d)$/, 'e$10$2');
}

export function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

export function escapeValue(text: string): string {
  return text.includes('"') || text.includes('\\') || text.includes('\n') ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text;
}
