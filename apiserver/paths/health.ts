/** `/livez`, `/readyz`, `/healthz`: whether the process lives, and whether it is ready for requests; each check also by its own path. */
import type { Answer, Exchange } from '../exchange.ts';
import type { Readiness } from '../readiness.ts';

const ALWAYS = ['ping', 'log', 'etcd'];

export function health(readiness: Readiness, root: string, { route, query }: Exchange): Answer | undefined {
  const failing = (check: string): boolean => root !== 'livez' && (readiness.pending.has(check) || (check === 'shutdown' && root === 'readyz' && readiness.stopping));
  const checks = [...ALWAYS, ...(root === 'livez' ? [] : readiness.checks), ...(root === 'readyz' ? ['informer-sync', 'shutdown'] : [])];
  const one = route.path.slice(root.length + 2);
  if (one !== '') {
    if (!checks.includes(one)) return undefined;
    return failing(one) ? text(500, `internal server error: ${one}\n`) : text(200, 'ok');
  }
  const excluded = new Set(query.getAll('exclude'));
  const failed = checks.some((check) => failing(check) && !excluded.has(check));
  if (!failed && !query.has('verbose')) return text(200, 'ok');
  const lines = checks.map((check) => (excluded.has(check) ? `[+]${check} excluded: ok` : failing(check) ? `[-]${check} failed: reason withheld` : `[+]${check} ok`));
  return text(failed ? 500 : 200, `${lines.join('\n')}\n${root} check ${failed ? 'failed' : 'passed'}\n`);
}

function text(code: number, body: string): Answer {
  return { type: 'text', code, text: body, contentType: 'text/plain; charset=utf-8' };
}
