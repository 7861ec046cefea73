/** `/healthz`: whether this kubelet is well, as a whole and check by check; what was found is counted for `/metrics/slis`. */
import { Meter } from '../../std/meter.ts';
import type { Page, PageRequest } from '../backend.ts';
import { figures, NOT_FOUND, plain } from './page.ts';

export interface HealthCheck {
  readonly name: string;
  /** What is wrong. Absent: nothing can be. */
  readonly failing?: () => string | undefined;
}

const ROOT = 'healthz';
const NOSNIFF = { 'X-Content-Type-Options': 'nosniff' };

export class Health {
  readonly #checks: readonly HealthCheck[];
  readonly #startSeconds: number;
  #meter!: Meter;
  #last!: ReturnType<Meter['gauge']>;
  #total!: ReturnType<Meter['counter']>;

  constructor(checks: readonly HealthCheck[], startSeconds: number) {
    this.#checks = checks;
    this.#startSeconds = startSeconds;
    this.#reset();
  }

  page({ parts, query }: Pick<PageRequest, 'parts' | 'query'>): Page {
    const [name] = parts;
    if (name === undefined) return this.#all(query);
    const check = this.#checks.find((one) => one.name === name);
    if (!check) return NOT_FOUND;
    const why = check.failing?.();
    return why === undefined ? plain(200, 'ok') : plain(500, `internal server error: ${why}\n`);
  }

  /** `DELETE` begins anew. */
  slis({ method }: Pick<PageRequest, 'method'>): Page {
    if (method !== 'DELETE') return figures(this.#meter.text());
    this.#reset();
    return plain(200, 'metrics reset\n');
  }

  #all(query: URLSearchParams): Page {
    const excluded = new Set(query.getAll('exclude'));
    const unknown = new Set(excluded);
    let failed = false;
    const lines = this.#checks.map(({ name, failing }) => {
      if (unknown.delete(name)) return `[+]${name} excluded: ok`;
      const isWell = failing?.() === undefined;
      failed ||= !isWell;
      this.#last.of(name, ROOT).set(isWell ? 1 : 0);
      this.#total.of(name, isWell ? 'success' : 'error', ROOT).add();
      return isWell ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
    });
    if (unknown.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...unknown].sort().map((name) => JSON.stringify(name)).join(',')}`);
    if (!failed && !query.has('verbose')) return plain(200, 'ok', NOSNIFF);
    return plain(failed ? 500 : 200, `${lines.join('\n')}\n${ROOT} check ${failed ? 'failed' : 'passed'}\n`, NOSNIFF);
  }

  #reset(): void {
    this.#meter = new Meter();
    this.#last = this.#meter.gauge({ name: 'kubernetes_healthcheck', help: 'Whether the check passed when it was made last.', labels: ['name', 'type'] });
    this.#total = this.#meter.counter({ name: 'kubernetes_healthchecks_total', help: 'Checks by what they found.', labels: ['name', 'status', 'type'] });
    this.#meter.gauge({ name: 'process_start_time_seconds', help: 'When this process started.' }).of().set(this.#startSeconds);
  }
}
