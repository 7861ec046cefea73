/** URLs. Provenance: pkg/cel/library/urls.go of apiserver v0.36. */
import type { Row } from '../function.ts';
import { escapedPath, parseRequestUri, parseUrl, type Url as Parts } from '../../go-url.ts';
import { Entries, Fault, Items, Library, type Value } from '../value.ts';

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

function makeUrl(text: Value): Value {
  const request = parseRequestUri(text as string);
  const parts = typeof request === 'string' ? request : parseUrl(text as string);
  return typeof parts === 'string' ? new Fault(`URL parse error during conversion from string: ${parts}`) : new Url(text as string, parts);
}

function hostname(host: string): string {
  const bracketed = /^\[(.*)\](?::\d*)?$/.exec(host);
  return bracketed ? (bracketed[1] as string) : host.replace(/:\d*$/, '');
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
