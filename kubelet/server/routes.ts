/**
 * What a path of the kubelet leads to. Provenance: pkg/kubelet/server/server.go of v1.36 over Go's ServeMux and go-restful: what
 * the former does not know, or knows by a tidier name, is told to anybody; what the latter does not, only to who may ask. Pure.
 */

export type PageName =
  | 'healthz' | 'pods' | 'runningpods' | 'summary' | 'configz' | 'logs' | 'checkpoint' | 'run'
  | 'metrics' | 'cadvisor' | 'probes' | 'resource' | 'slis' | 'flagz' | 'statusz' | 'pprof' | 'flags';
export type StreamName = 'exec' | 'attach' | 'portForward' | 'containerLogs';

export type Route =
  | { readonly type: 'missing' }
  | { readonly type: 'moved'; readonly to: string }
  | { readonly type: 'refused'; readonly code: 404 | 405; readonly message: string; readonly allow?: string }
  | { readonly type: 'page'; readonly page: PageName; readonly parts: readonly string[] }
  | { readonly type: 'stream'; readonly stream: StreamName; readonly parts: readonly string[] };

/** Answered whatever the method. */
const EXACT: Readonly<Record<string, PageName>> = {
  '/healthz': 'healthz', '/healthz/ping': 'healthz', '/healthz/log': 'healthz', '/healthz/syncloop': 'healthz',
  '/metrics': 'metrics', '/metrics/cadvisor': 'cadvisor', '/metrics/probes': 'probes', '/metrics/resource': 'resource', '/metrics/slis': 'slis',
  '/configz': 'configz', '/flagz': 'flagz', '/statusz': 'statusz', '/debug/flags/v': 'flags',
};

interface Tree {
  readonly methods: readonly string[];
  /** How many parts may follow. */
  readonly parts: readonly number[];
  /** The only part that there is. */
  readonly literal?: string;
  /** The root itself is known with a slash behind it only. */
  readonly slash?: true;
  readonly leads: { readonly page: PageName } | { readonly stream: StreamName };
}

const ANY: readonly number[] = [];
const TREES: Readonly<Record<string, Tree>> = {
  pods: { methods: ['GET'], parts: [0], leads: { page: 'pods' } },
  stats: { methods: ['GET', 'POST'], parts: [1], literal: 'summary', slash: true, leads: { page: 'summary' } },
  logs: { methods: ['GET'], parts: ANY, slash: true, leads: { page: 'logs' } },
  runningpods: { methods: ['GET'], parts: [0], slash: true, leads: { page: 'runningpods' } },
  checkpoint: { methods: ['POST'], parts: [3], slash: true, leads: { page: 'checkpoint' } },
  run: { methods: ['POST'], parts: [3, 4], leads: { page: 'run' } },
  exec: { methods: ['GET', 'POST'], parts: [3, 4], leads: { stream: 'exec' } },
  attach: { methods: ['GET', 'POST'], parts: [3, 4], leads: { stream: 'attach' } },
  portForward: { methods: ['GET', 'POST'], parts: [2, 3], leads: { stream: 'portForward' } },
  containerLogs: { methods: ['GET'], parts: [3], leads: { stream: 'containerLogs' } },
};
const PROFILES = '/debug/pprof';

/** `path` is decoded; how tidy a name is, is seen of what was sent. */
export function routeOf(method: string, path: string, sent: string = path): Route {
  const clean = cleanPath(sent);
  if (clean !== sent) return { type: 'moved', to: clean };
  const page = EXACT[path];
  if (page) return { type: 'page', page, parts: page === 'healthz' ? path.split('/').slice(2) : [] };
  if (path === PROFILES) return { type: 'moved', to: `${path}/` };
  if (path.startsWith(`${PROFILES}/`)) return { type: 'page', page: 'pprof', parts: [] };
  const [, root = '', ...rest] = path.split('/');
  const tree = Object.hasOwn(TREES, root) ? (TREES[root] as Tree) : undefined;
  if (!tree) return { type: 'missing' };
  if (tree.slash && rest.length === 0) return { type: 'moved', to: `${path}/` };
  // Of a directory it matters whether a slash stands behind it.
  return inTree(tree, method, tree.parts === ANY || rest.at(-1) !== '' ? rest : rest.slice(0, -1));
}

function inTree({ methods, parts: counts, literal, leads }: Tree, method: string, parts: readonly string[]): Route {
  if ((counts !== ANY && !counts.includes(parts.length)) || (literal !== undefined && parts[0] !== literal)) return { type: 'refused', code: 404, message: '404: Page Not Found' };
  if (!methods.includes(method)) return { type: 'refused', code: 405, message: '405: Method Not Allowed', allow: methods.join(', ') };
  return 'page' in leads ? { type: 'page', ...leads, parts } : { type: 'stream', ...leads, parts };
}

/** Without dots and doubled slashes; what ended in a slash still does. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  const clean = `/${kept.join('/')}`;
  return clean !== '/' && path.endsWith('/') ? `${clean}/` : clean;
}
