/** Counts requests by what they were about, how they ended and how long they took, under upstream's names. */
import type { Clock } from '../../std/clock.ts';
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Registry } from '../registry/registry.ts';
import type { Step } from '../chain/chain.ts';
import { codeOf } from '../chain/code-of.ts';

export const SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const SLI_SECONDS = SECONDS.filter((bound) => bound >= 0.05);
const BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const WHERE = ['group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const COMPONENT = 'apiserver';
/** The nine labels of a request; beyond so many combinations the rest is counted as one. */
const LIMIT = 5_000;

interface Series {
  readonly byCode: Map<number, Cell>;
  readonly code: (code: number) => Cell;
  readonly seconds: HistogramCell;
  readonly sli: HistogramCell;
  readonly bytes: HistogramCell | undefined;
  readonly lasting: Cell | undefined;
  readonly cutOff: (code: number) => Cell;
}

/** The step, and what is counted apart from it. */
export interface RequestSeries {
  readonly step: Step;
}

export function requestSeries(meter: Meter, registry: Registry, clock: Clock): RequestSeries {
  const limit = LIMIT;
  const total = meter.counter({ name: 'apiserver_request_total', help: 'Requests by verb, dry run, group, version, resource, scope, component and code.', labels: ['verb', 'dry_run', ...WHERE, 'code'], limit });
  const seconds = meter.histogram({ name: 'apiserver_request_duration_seconds', help: 'How long answers took.', labels: ['verb', 'dry_run', ...WHERE], buckets: SECONDS });
  const sli = meter.histogram({ name: 'apiserver_request_sli_duration_seconds', help: 'How long answers took, waiting in queues left out.', labels: ['verb', ...WHERE], buckets: SLI_SECONDS });
  const bytes = meter.histogram({ name: 'apiserver_response_sizes', help: 'How large answers were.', labels: ['verb', ...WHERE], buckets: BYTES });
  const lasting = meter.gauge({ name: 'apiserver_longrunning_requests', help: 'Requests that may last, now.', labels: ['verb', ...WHERE] });
  const cutOff = meter.counter({ name: 'apiserver_request_terminations_total', help: 'Requests that the server ended in self-defence.', labels: ['verb', ...WHERE, 'code'], limit });
  const deprecated = meter.gauge({ name: 'apiserver_requested_deprecated_apis', help: 'Deprecated versions that were asked for.', labels: ['group', 'version', 'resource', 'subresource', 'removed_release'] });
  const known = new Map<string, Series | undefined>();

  const make = (exchange: Exchange, verb: string): Series | undefined => {
    const { route } = exchange;
    // Only what is served is counted: nobody fills the table with names that he made up.
    const resource = route.isResource ? registry.find(route.group, route.version, route.resource) : undefined;
    if (route.isResource ? !resource || (route.subresource !== '' && !resource.subresource(route.subresource)) : !isKnownPath(route.path)) return undefined;
    const where = [route.group, route.version, route.resource, route.isResource ? route.subresource : route.path, scopeOf(exchange), COMPONENT];
    const dry = dryRunOf(exchange);
    const old = resource?.version.deprecated;
    if (old) deprecated.of(route.group, route.version, route.resource, route.subresource, removedIn(old.warning)).set(1);
    return {
      byCode: new Map(), code: (code) => total.of(verb, dry, ...where, String(code)), seconds: seconds.of(verb, dry, ...where), sli: sli.of(verb, ...where),
      bytes: verb === 'GET' || verb === 'LIST' ? bytes.of(verb, ...where) : undefined, lasting: exchange.longRunning ? lasting.of(verb, ...where) : undefined,
      cutOff: (code) => cutOff.of(verb, ...where, String(code)),
    };
  };
  registry.onChange(() => known.clear());

  return {
    step(exchange) {
      const { route } = exchange;
      const verb = verbOf(exchange);
      const key = `${verb} ${dryRunOf(exchange)} ${scopeOf(exchange)} ${route.isResource ? `${route.group}/${route.version}/${route.resource}/${route.subresource}` : route.path}`;
      let series = known.get(key);
      if (series === undefined && !known.has(key)) {
        series = make(exchange, verb);
        if (known.size < limit) known.set(key, series);
      }
      if (!series) return;
      const counted = series;
      const beganMs = clock.monotonic();
      counted.lasting?.add();
      exchange.after.push(() => {
        counted.lasting?.add(-1);
        const code = codeOf(exchange);
        let cell = counted.byCode.get(code);
        if (!cell) counted.byCode.set(code, (cell = counted.code(code)));
        cell.add();
        const took = (clock.monotonic() - beganMs) / 1000;
        counted.seconds.observe(took);
        counted.sli.observe(took - (exchange.waitedMs ?? 0) / 1000);
        if (counted.bytes && code === 200) counted.bytes.observe(sizeOf(exchange.answer));
        if (code === 429 || code === 504) counted.cutOff(code).add();
      });
    },
  };
}

const VERBS: Readonly<Record<string, string>> = {
  get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', delete: 'DELETE', deletecollection: 'DELETE', post: 'POST', put: 'PUT',
};
const CONNECTS = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

function verbOf({ route, body }: Exchange): string {
  if (route.isResource && CONNECTS.has(route.subresource)) return 'CONNECT';
  if (route.verb === 'patch') return body.contentType.startsWith('application/apply-patch+yaml') ? 'APPLY' : 'PATCH';
  return VERBS[route.verb] ?? 'other';
}

function scopeOf({ route: { name, verb, namespace, isResource } }: Exchange): string {
  if (name !== '' || verb === 'create') return 'resource';
  if (namespace !== '') return 'namespace';
  return isResource ? 'cluster' : '';
}

function dryRunOf({ query }: Exchange): string {
  const asked = query.get('dryRun');
  if (asked === null || asked === '') return '';
  return asked === 'All' ? 'All' : 'invalid';
}

const PATHS = new Set(['/healthz', '/livez', '/readyz', '/metrics', '/version', '/api', '/apis', '/openapi/v2', '/openapi/v3', '/openid/v1/jwks', '/.well-known/openid-configuration']);

function isKnownPath(path: string): boolean {
  return PATHS.has(path);
}

/** As the warning of a deprecated version tells it. */
function removedIn(warning: string): string {
  return /unavailable in v([\d.]+)\+/.exec(warning)?.[1] ?? '';
}

function sizeOf(answer: Answer | undefined): number {
  switch (answer?.type) {
    case 'object':
      return answer.object.bytes.length;
    case 'list': {
      let size = 0;
      for (const { sizeBytes } of answer.items) size += sizeBytes;
      return size;
    }
    case 'document':
      return answer.bytes?.length ?? 0;
    case 'text':
      return answer.text.length;
    default:
      return 0;
  }
}
