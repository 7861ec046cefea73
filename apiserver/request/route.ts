/** What a method and a path ask for. Parsed by hand, in the way of upstream's request info. */
import type { CrudVerb } from '../../api/kind.ts';

export interface Route {
  /** `get`, `list`, … for resources, else the method in lower case. */
  readonly verb: CrudVerb | string;
  readonly path: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Of the objects asked for; a namespace itself counts as in itself, for authorization. */
  readonly namespace: string;
  readonly name: string;
  /** What follows the subresource, for proxies: `/a/b`, or ''. */
  readonly rest: string;
  /** More path segments than any resource has. */
  readonly tooLong: boolean;
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);
/** Of times when watches and proxies were asked for by the path's beginning. */
const OLD_PREFIXES: ReadonlySet<string> = new Set(['watch', 'proxy']);
const PROXIES = new Set(['proxy']);

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

export interface RouteQuery {
  /** Whether the query asks to watch. */
  readonly watch: boolean;
}

/** A path that asks for nothing at all: answered in words, before anybody asks who asks. */
export class UnreadablePath extends Error {
  override readonly name = 'UnreadablePath';
  readonly code: 400 | 500;

  constructor(code: 400 | 500, text: string) {
    super(text);
    this.code = code;
  }
}

/** `path` is the raw path of the URL, without query. Throws `UnreadablePath`. */
export function parseRoute(method: string, path: string, query: RouteQuery): Route {
  const segments = split(path);
  const isCore = segments[0] === 'api';
  const at = isCore ? 2 : 3;
  if ((!isCore && segments[0] !== 'apis') || segments.length <= at) return nonResource(method, path);
  const group = isCore ? '' : (segments[1] as string);
  const version = segments[at - 1] as string;
  let rest = segments.slice(at);
  let verb = VERBS[method] ?? '';
  // The deprecated ways to ask for a watch, and for a proxy, which nothing answers any more.
  if (OLD_PREFIXES.has(rest[0] as string) && rest.length === 1) throw new UnreadablePath(500, 'failed to create RequestInfo: unable to determine kind and namespace from url');
  const prefix = OLD_PREFIXES.has(rest[0] as string) ? (rest[0] as string) : '';
  if (prefix !== '') rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] as string;
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2] as string)) rest = rest.slice(2);
  }
  if (prefix === 'proxy') return { verb: prefix, path, isResource: true, group, version, resource: rest[0] ?? '', subresource: '', namespace, name: rest[1] ?? '', rest: '', tooLong: true };
  const [resource = '', name = '', subresource = '', ...more] = rest;
  if (verb === 'get' && name === '') verb = query.watch ? 'watch' : 'list';
  if (verb === 'delete' && name === '') verb = 'deletecollection';
  if (prefix !== '') verb = prefix;
  const tail = PROXIES.has(subresource) ? pathAfter(path, segments.length - more.length) : '';
  return {
    verb, path, isResource: true, group, version, resource, subresource, namespace, name, rest: tail,
    tooLong: more.length > 0 && !PROXIES.has(subresource),
  };
}

/** `watch`, `watch=1` and `watch=maybe` all watch; only `false` and `0` do not. */
export function asksToWatch(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

function nonResource(method: string, path: string): Route {
  return {
    verb: method.toLowerCase(), path, isResource: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', rest: '',
    tooLong: false,
  };
}

function split(path: string): string[] {
  // An escaped slash is a slash.
  const decoded = path.includes('%') ? unescaped(path) : path;
  const segments = (decoded.startsWith('/') ? decoded.slice(1) : decoded).split('/');
  if (segments.at(-1) === '') segments.pop();
  return segments;
}

/** Escapes stand for bytes, which need not make sense together. */
function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    if (/%(?![0-9a-f]{2})/i.test(path)) throw new UnreadablePath(400, '400 Bad Request');
    return Buffer.from(path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))), 'latin1').toString();
  }
}

/** The raw path after so many segments: proxied paths keep their escapes and their last slash. */
function pathAfter(path: string, segments: number): string {
  let at = 0;
  for (let i = 0; i < segments; i++) {
    at = path.indexOf('/', at + 1);
    if (at < 0) return '';
  }
  return path.slice(at);
}
