/** `/livez`, `/readyz`, `/healthz`: whether the process lives, and whether it is ready for requests; each check also by its own path. */
import type { Answer, Query } from '../exchange.ts';
import type { HealthSeries } from '../metrics/health-series.ts';
import type { Check, Readiness } from '../readiness.ts';

interface HealthParts {
  readonly readiness: Pick<Readiness, 'checksOf'>;
  readonly series: HealthSeries;
}

interface Asked {
  readonly route: { readonly path: string };
  readonly query: Query;
  readonly extraHeaders: Record<string, string>;
}

export type HealthRoot = 'livez' | 'readyz' | 'healthz';

export async function health({ readiness, series }: HealthParts, root: HealthRoot, { route, query, extraHeaders }: Asked): Promise<Answer | undefined> {
  const checks = readiness.checksOf(root);
  if (route.path !== `/${root}`) {
    const one = route.path.slice(root.length + 2);
    const check = checks.find(({ name }) => name === one);
    if (!check) return undefined;
    const why = await failure(check);
    return why === undefined ? plain(200, 'ok') : plain(500, `internal server error: ${why}\n`);
  }
  const excluded = new Set(query.getAll('exclude'));
  const unknown = new Set(excluded);
  const lines: string[] = [];
  let failed = false;
  const results = await Promise.all(checks.map(async (check) => (excluded.has(check.name) ? undefined : failure(check))));
  for (const [at, { name }] of checks.entries()) if (!excluded.has(name)) series.seen(name, root, results[at] === undefined);
  for (const [at, { name }] of checks.entries()) {
    unknown.delete(name);
    if (excluded.has(name)) lines.push(`[+]${name} excluded: ok`);
    else if (results[at] === undefined) lines.push(`[+]${name} ok`);
    else {
      failed = true;
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  if (unknown.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...unknown].sort().map((name) => JSON.stringify(name)).join(',')}`);
  if (!failed && !query.has('verbose')) return text(extraHeaders, 200, 'ok');
  return text(extraHeaders, failed ? 500 : 200, `${lines.join('\n')}\n${root} check ${failed ? 'failed' : 'passed'}\n`);
}

async function failure({ failing }: Check): Promise<string | undefined> {
  try {
    return await failing?.();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function text(headers: Record<string, string>, code: number, body: string): Answer {
  headers['X-Content-Type-Options'] = 'nosniff';
  return plain(code, body);
}

function plain(code: number, body: string): Answer {
  return { type: 'text', code, text: body, contentType: 'text/plain; charset=utf-8' };
}
