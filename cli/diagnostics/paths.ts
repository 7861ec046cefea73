/** What is served at the port of a component: `/healthz` and its like, `/metrics`, `/flagz`, `/statusz`. */
import type { IncomingMessage } from 'node:http';
import type { Answer as ServerAnswer, Exchange } from '../../apiserver/exchange.ts';
import { healthSeries } from '../../apiserver/metrics/health-series.ts';
import { health, type HealthRoot } from '../../apiserver/paths/health.ts';
import { metrics, METRICS_TYPE } from '../../apiserver/paths/metrics.ts';
import { VERSION } from '../../apiserver/version.ts';
import { flagz, statusz, type ZpageFacts } from '../../apiserver/paths/zpages.ts';
import { flagTexts } from '../flag-texts.ts';
import type { DiagnosticsOptions } from './options.ts';

interface Answer {
  readonly code: number;
  readonly text: string;
  readonly type: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const UPSTREAM = { controllers: 'kube-controller-manager', scheduler: 'kube-scheduler' } as const;

export function openPaths({ component, flags, meter, checks, clock }: DiagnosticsOptions): (path: string, query: URLSearchParams, request: IncomingMessage) => Promise<Answer> {
  const startedMs = clock.now();
  const series = healthSeries(startedMs);
  const counted = metrics(meter);
  const build = meter.gauge({ name: 'kubernetes_build_info', help: 'What was built.', labels: ['major', 'minor', 'git_version', 'git_commit', 'git_tree_state', 'build_date', 'go_version', 'compiler', 'platform'] });
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = VERSION;
  build.of(major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform).set(1);
  const roots = (): HealthRoot[] => Object.keys(checks()) as HealthRoot[];
  const facts = (): ZpageFacts => ({ component: UPSTREAM[component], startedMs, nowMs: clock.now(), flags: flagTexts(flags), paths: ['/flagz', '/metrics', '/statusz', ...roots().map((root) => `/${root}`)] });
  return async (path, query, request) => {
    const asked = { headers: request.headers, route: { path }, query, extraHeaders: {}, warnings: [] };
    const root = roots().find((name) => path === `/${name}` || path.startsWith(`/${name}/`));
    if (root) return plainly(await health({ readiness: { checksOf: (one) => checks()[one] ?? [] }, series }, root, asked));
    if (path === '/metrics') return plainly(await counted());
    if (path === '/metrics/slis') return { code: 200, text: series.meter.text(), type: METRICS_TYPE };
    if (path === '/flagz') return plainly(flagz(asked as unknown as Exchange, facts()));
    if (path === '/statusz') return plainly(statusz(asked as unknown as Exchange, facts()));
    return plainly(undefined);
  };
}

function plainly(answer: ServerAnswer | undefined): Answer {
  if (answer?.type === 'text') return { code: answer.code, text: answer.text, type: answer.contentType ?? PLAIN };
  if (answer?.type === 'document' && answer.bytes) return { code: answer.code, text: answer.bytes.toString(), type: answer.contentType ?? 'application/json' };
  return { code: 404, text: '404 page not found\n', type: PLAIN };
}
