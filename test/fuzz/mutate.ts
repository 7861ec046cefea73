/** Makes a request wrong, in one of the ways that requests go wrong: in its path, its words, its body, its bytes. */
import { dump } from 'js-yaml';
import { encodeProtobuf, hasProtobuf } from '../../api/codec/protobuf.ts';
import type { ApiObject } from '../../api/kind.ts';
import { below, type Random } from '../../std/random.ts';
import type { Seed } from './seeds.ts';

/** As it goes over the wire. */
export interface Case {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | undefined;
}

const TEXTS = [
  '', ' ', 'a', 'A_B', '-a', 'a..b', '../..', '/', '%', '*', '$', '{}', '[]', 'null', 'true', '0', '-1', '1e400', '9223372036854775808', '1.5', '10.0.0.1/33', '::ffff:127.0.0.1', 'ä\u0000ö', '\ud800', '\u2028', '__proto__', 'constructor', 'toString',
  'x'.repeat(300), 'in (', 'a=b,', '!', 'a notin (b', 'metadata.name', 'kubernetes.io/x', '1Gi', '1n', '0x10', '2026-01-02T03:04:05Z', 'system:masters', '(a+)+$', '^(?:a|a)*$',
];
const VALUES: readonly unknown[] = [null, {}, [], [[]], [{}], [null], 0, -1, 1, 2 ** 31, 2 ** 53, 1.5, true, false, { a: { b: [] } }, { $patch: 'replace' }, { $patch: 'odd' }, { metadata: null }, { items: [] }];
const CEL = ['self', 'oldSelf', 'object', 'has(self.x)', '1', '"a"', '[1, 2]', '{"a": 1}', '1 / 0', 'self.list.all(x, x.key != "")', 'quantity("1Gi")', 'self.name.matches("(a+)+$")', 'url("x")', 'size(self)', 'x.y.z', '(', '"', '1 +', 'true ? 1 : "a"', '[1].map(x, [1].map(y, [1].map(z, x + y + z)))', 'cidr("::1/200")', 'duration("1x")', 'timestamp("")', '-9223372036854775808 / -1', 'optional.none().value()', 'b"\\xff"', "'\\ud800'"];
const NUMBERS = ['1.0', '1e2', '-0', '1e400', '00', '0x1', '1_000', 'NaN', '92233720368547758080'];
const CONTENT_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/apply-patch+cbor', 'text/plain', 'application/json; charset=utf-16', 'multipart/form-data', ';', ''];
const ACCEPTS = ['*/*', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=Odd;v=v1;g=x', 'application/json;q=x', ';;;', 'text/html', 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/cbor'];
const QUERIES = ['watch', 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch', 'labelSelector', 'fieldSelector', 'timeoutSeconds', 'timeout', 'dryRun', 'fieldManager', 'fieldValidation', 'force', 'pretty', 'sendInitialEvents', 'allowWatchBookmarks', 'propagationPolicy', 'gracePeriodSeconds', 'orphanDependents', 'includeObject', 'container', 'tailLines', 'follow', 'sinceSeconds', 'command', 'ports', 'exact', 'export'];
const HEADERS = ['accept', 'accept-encoding', 'content-type', 'content-encoding', 'authorization', 'if-none-match', 'if-match', 'impersonate-user', 'impersonate-group', 'impersonate-uid', 'impersonate-extra-x', 'user-agent', 'x-forwarded-for', 'x-remote-user', 'range', 'sec-websocket-protocol', 'sec-websocket-key', 'upgrade', 'origin', 'traceparent', 'x-request-id', 'audit-id'];
const MUTATIONS_LIMIT = 4;
const NESTING = 1200;

export function mutate(seed: Seed, random: Random, token: string): Case {
  const pick = <T>(list: readonly T[]): T => list[below(random, list.length)] as T;
  const chance = (share: number): boolean => random.next() < share;
  let { method } = seed as { method: string };
  let path = chance(0.12) ? wrongPath(seed.path, pick, random) : sometimesOther(seed.path, chance, pick);
  const query = new URLSearchParams(seed.query);
  const headers: Record<string, string> = { ...seed.headers };
  if (chance(0.03)) method = pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE']);
  if (chance(0.25)) query.set(pick(QUERIES), chance(0.5) ? pick(TEXTS) : pick(['true', 'false', '1', 'All', 'Strict', 'Warn', 'Exact', 'NotOlderThan', 'a', '-5']));
  if (chance(0.05)) query.append(pick(QUERIES), pick(TEXTS));
  if (chance(0.12)) setHeader(headers, pick(HEADERS), pick, token, random);
  if (chance(0.08)) headers['accept'] = pick(ACCEPTS);
  const body = seed.body === undefined ? (chance(0.03) ? Buffer.from(pick(TEXTS)) : undefined) : bodyOf(seed, headers, random, pick);
  const text = query.toString();
  path = `${path}${text === '' ? '' : `?${chance(0.03) ? spoilt(text, pick, random) : text}`}`;
  return { method, path, headers, body };
}

type Pick = <T>(list: readonly T[]) => T;

/** Names wander, so that requests meet each other's objects. */
function sometimesOther(path: string, chance: (share: number) => boolean, pick: Pick): string {
  return chance(0.1) ? path.replace(/\/a(?=\/|$)/, `/${pick(['b', 'c', 'nowhere', 'a.b'])}`) : path;
}

function wrongPath(path: string, pick: Pick, random: Random): string {
  const parts = path.split('/');
  const at = 1 + below(random, Math.max(1, parts.length - 1));
  const junk = pick([...TEXTS.map(encodeLoose), '%00', '%ff', '%2e%2e', '..', '.', '%', '%zz', '//', 'status', 'scale', 'v1', 'namespaces', 'watch', 'proxy', ';a=b', encodeURIComponent('a/b')]);
  switch (below(random, 4)) {
    case 0:
      parts[at] = junk;
      break;
    case 1:
      parts.splice(at, 0, junk);
      break;
    case 2:
      parts.splice(at, 1);
      break;
    default:
      parts.push(junk);
  }
  // What no client could put into a request line is not a request.
  return `/${parts.join('/').replace(/^\/+/, '')}`.replace(/[^!-~]/g, '_');
}

function encodeLoose(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function spoilt(text: string, pick: Pick, random: Random): string {
  const at = below(random, text.length + 1);
  return text.slice(0, at) + pick(['%', '%zz', '&&', '=', '+', ';', '%ff', '%00', '#']) + text.slice(at);
}

function setHeader(headers: Record<string, string>, name: string, pick: Pick, token: string, random: Random): void {
  if (name === 'authorization') headers[name] = pick([`Bearer ${wrongToken(token, random)}`, `Bearer ${token}`, 'Bearer', 'Bearer  ', 'Basic YTpi', 'Basic %', pick(TEXTS)]);
  else if (name === 'content-type') headers[name] = pick(CONTENT_TYPES);
  else headers[name] = pick([...TEXTS, 'gzip', 'gzip;q=0', 'identity', 'v5.channel.k8s.io', 'bytes=0-1', 'W/"x"', '00-00000000000000000000000000000000-0000000000000000-01']);
  headers[name] = (headers[name] as string).replace(/[^\t\u0020-\u007e]/g, '?');
}

function wrongToken(token: string, random: Random): string {
  const parts = token.split('.');
  const at = below(random, 3);
  const part = parts[at] ?? '';
  const middle = below(random, part.length + 1);
  parts[at] = [part.slice(0, middle), `${part.slice(0, middle)}A${part.slice(middle + 1)}`, '', Buffer.from('{"alg":"none"}').toString('base64url'), Buffer.from('{"exp":1e999,"aud":[null]}').toString('base64url'), 'e30'][below(random, 6)] as string;
  return below(random, 8) === 0 ? parts.slice(0, 2).join('.') : parts.join('.');
}

function bodyOf(seed: Seed, headers: Record<string, string>, random: Random, pick: Pick): Buffer {
  const value = structuredClone(seed.body);
  const count = below(random, MUTATIONS_LIMIT);
  for (let n = 0; n < count; n++) spoil(value, random, pick);
  headers['content-type'] ??= seed.type ?? 'application/json';
  const form = below(random, 10);
  if (form === 0 && seed.type === undefined) {
    const encoded = protobuf(value);
    if (encoded) {
      headers['content-type'] = 'application/vnd.kubernetes.protobuf';
      return random.next() < 0.7 ? wrongBytes(encoded, random) : encoded;
    }
  }
  if ((form === 1 && seed.type === undefined) || seed.type === 'application/apply-patch+yaml') {
    if (seed.type === undefined) headers['content-type'] = 'application/yaml';
    return Buffer.from(wrongYaml(dump(value, { skipInvalid: true }), random, pick));
  }
  const text = Buffer.from(JSON.stringify(value));
  if (form === 2) return wrongBytes(text, random);
  return form === 3 ? Buffer.from(wrongJson(text.toString(), random, pick)) : text;
}

function protobuf(value: unknown): Buffer | undefined {
  const { apiVersion, kind } = value as Partial<ApiObject>;
  try {
    return typeof apiVersion === 'string' && typeof kind === 'string' && hasProtobuf(apiVersion, kind) ? encodeProtobuf(value as ApiObject) : undefined;
  } catch {
    return undefined;
  }
}

/** One place of a value becomes something else. */
function spoil(root: unknown, random: Random, pick: Pick): void {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk(inner);
    }
  };
  walk(root);
  if (places.length === 0) return;
  const [holder, key] = pick(places);
  const choice = below(random, 10);
  if (choice === 0) delete holder[key];
  else if (choice === 1 && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
  else if (choice === 2) holder[pick(TEXTS).toWellFormed() || 'x'] = structuredClone(pick(VALUES));
  else if (choice === 3) holder[key] = structuredClone(pick(places)[0]);
  else if (key === 'expression' || key === 'rule' || key === 'messageExpression') holder[key] = random.next() < 0.5 ? pick(CEL) : `${pick(CEL)} ${pick(['==', '+', '&&', '<', 'in', '?', '.'])} ${pick(CEL)}`;
  else if (choice < 7) holder[key] = pick(TEXTS);
  else holder[key] = structuredClone(pick(VALUES));
}

function wrongBytes(bytes: Buffer, random: Random): Buffer {
  const out = Buffer.from(bytes);
  const at = below(random, out.length);
  switch (below(random, 4)) {
    case 0:
      return out.subarray(0, at);
    case 1:
      out[at] = below(random, 256);
      return out;
    case 2:
      return Buffer.concat([out.subarray(0, at), Buffer.from(random.bytes(1 + below(random, 8))), out.subarray(at)]);
    default:
      return Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + 1 + below(random, 16)))]);
  }
}

function wrongJson(text: string, random: Random, pick: Pick): string {
  switch (below(random, 5)) {
    case 0:
      return text.replace(/\d+/, pick(NUMBERS));
    case 1:
      return text.replace(/^\{/, `{"x":${'['.repeat(NESTING)}${']'.repeat(NESTING)},`);
    case 2:
      return text.replace(/"metadata":/, '"metadata":{"name":"twice"},"metadata":');
    case 3:
      return text.replace(/"([a-z]+)":/, (_all, key: string) => `"${key.toUpperCase()}":`);
    default:
      return text + pick(['x', '{}', ',', '\u0000', text]);
  }
}

function wrongYaml(text: string, random: Random, pick: Pick): string {
  switch (below(random, 7)) {
    case 0:
      return `a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n${text}`;
    case 1:
      return text.replace(/: /, pick([': !!binary ', ': !x ', ': &a ', ': *a ', ': ? ', ': |\n', ':\t']));
    case 2:
      return `${text}---\n${text}`;
    case 3:
      return `<<: {a: 1}\n${text}`;
    case 4:
      return text + pick(['kind: twice\n', '  - x\n', ': y\n', '\u0000', '%YAML 9\n', '...\n', '? [a]\n: b\n']);
    default:
      return text;
  }
}
