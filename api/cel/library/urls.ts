/** URLs. Provenance: pkg/cel/library/urls.go of apiserver v0.36 and Go's net/url, whose reading is not that of browsers. */
import type { Row } from '../function.ts';
import { Entries, Fault, Items, Library, type Value } from '../value.ts';

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

class Url extends Library {
  readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly parts: Parts;

  constructor(text: string, parts: Parts) {
    super();
    this.text = text;
    this.parts = parts;
  }

  equals(other: Library): boolean {
    return other instanceof Url && other.text === this.text;
  }

  override toJson(): string {
    return this.text;
  }
}

/** An absolute URL or an absolute path, or the reason why it is none. */
export function parseRequestUri(text: string): Parts | string {
  const wrong = (why: string): string => `parse ${JSON.stringify(text)}: ${why}`;
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) return wrong('net/url: invalid control character in URL');
  if (text === '') return wrong('empty url');
  const { scheme, rest, why } = splitScheme(text);
  if (why) return wrong(why);
  const hash = rest.indexOf('#');
  const bare = hash < 0 ? rest : rest.slice(0, hash);
  const mark = bare.indexOf('?');
  const query = mark < 0 ? '' : bare.slice(mark + 1);
  const place = mark < 0 ? bare : bare.slice(0, mark);
  if (!place.startsWith('/')) {
    return scheme !== '' ? { scheme, host: '', path: '', query } : wrong('invalid URI for request');
  }
  const authority = (scheme !== '' || !place.startsWith('///')) && place.startsWith('//') ? /^\/\/([^/]*)(.*)$/s.exec(place) : undefined;
  const path = authority ? (authority[2] as string) : place;
  const [, user = '', host = ''] = /^(?:(.*)@)?(.*)$/s.exec(authority?.[1] ?? '') ?? [];
  const problem = userProblem(user) ?? hostProblem(host) ?? escapeProblem(path);
  return problem ? wrong(problem) : { scheme, host: decodeHost(host), path, query };
}

function splitScheme(text: string): { scheme: string; rest: string; why?: string } {
  if (text.startsWith(':')) return { scheme: '', rest: text, why: 'missing protocol scheme' };
  const found = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(text);
  if (found) return { scheme: (found[1] as string).toLowerCase(), rest: found[2] as string };
  return { scheme: '', rest: text };
}

function userProblem(user: string): string | undefined {
  return /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) ? undefined : 'net/url: invalid userinfo';
}

function hostProblem(host: string): string | undefined {
  const inBrackets = /^\[([^\]]*)\](.*)$/.exec(host);
  if (host.startsWith('[') && !inBrackets) return "missing ']' in host";
  const port = inBrackets ? (inBrackets[2] as string) : (/:.*$/.exec(host)?.[0] ?? '');
  const last = inBrackets ? port : (/:[^:]*$/.exec(host)?.[0] ?? '');
  if (last !== '' && !/^:\d*$/.test(last)) return `invalid port ${JSON.stringify(last)} after host`;
  const name = inBrackets ? (inBrackets[1] as string) : host;
  const odd = /[^A-Za-z0-9\-._~!$&'()*+,;=:%[\]<>"\u0080-\uffff]/.exec(name);
  if (odd) return `invalid character ${JSON.stringify(odd[0])} in host name`;
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(name);
  return escape ? `invalid URL escape ${JSON.stringify(escape[0])}` : undefined;
}

function escapeProblem(path: string): string | undefined {
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(path);
  return escape ? `invalid URL escape ${JSON.stringify(escape[0])}` : undefined;
}

function decodeHost(host: string): string {
  try {
    return decodeURIComponent(host);
  } catch {
    return host;
  }
}

function makeUrl(text: Value): Value {
  const parts = parseRequestUri(text as string);
  return typeof parts === 'string' ? new Fault(`URL parse error during conversion from string: ${parts}`) : new Url(text as string, parts);
}

function hostname(host: string): string {
  const bracketed = /^\[(.*)\](?::\d*)?$/.exec(host);
  return bracketed ? (bracketed[1] as string) : host.replace(/:\d*$/, '');
}

/** What need not be escaped in a path stays as it was written. */
function escapedPath(path: string): string {
  // oxlint-disable-next-line no-control-regex
  return path.replaceAll(/[^A-Za-z0-9\-._~$&+,/:;=@!'()*%[\]]/gu, (char) => encodeURIComponent(char));
}

function query(text: string): Value {
  const values = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const at = pair.indexOf('=');
    const [key, value] = [decodePart(at < 0 ? pair : pair.slice(0, at)), decodePart(at < 0 ? '' : pair.slice(at + 1))];
    if (key !== undefined && value !== undefined) values.set(key, [...(values.get(key) ?? []), value]);
  }
  const entries = new Entries();
  for (const [key, list] of values) entries.add(key, new Items(list));
  return entries;
}

function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

const of = (get: (parts: Parts) => Value) => (url: Value): Value => get((url as Url).parts);

export const URLS: Readonly<Record<string, readonly Row[]>> = {
  url: [['string_to_url', '(string) -> kubernetes.URL', makeUrl]],
  isURL: [['is_url_string', '(string) -> bool', (text) => typeof parseRequestUri(text as string) !== 'string']],
  getScheme: [['url_get_scheme', 'kubernetes.URL.() -> string', of(({ scheme }) => scheme)]],
  getHost: [['url_get_host', 'kubernetes.URL.() -> string', of(({ host }) => host)]],
  getHostname: [['url_get_hostname', 'kubernetes.URL.() -> string', of(({ host }) => hostname(host))]],
  getPort: [['url_get_port', 'kubernetes.URL.() -> string', of(({ host }) => /:(\d*)$/.exec(host.replace(/^\[.*\]/, ''))?.[1] ?? '')]],
  getEscapedPath: [['url_get_escaped_path', 'kubernetes.URL.() -> string', of(({ path }) => escapedPath(path))]],
  getQuery: [['url_get_query', 'kubernetes.URL.() -> map<string, list<string>>', of((parts) => query(parts.query))]],
};
