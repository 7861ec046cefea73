/** URLs, absolute or as paths. Provenance: net/url of Go 1.26, whose reading is not that of browsers. */
import { isIPv4, parseAddress } from './kinds/shared/ip-address.ts';

export interface Url {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** As a request has it, absolute or as an absolute path and without a fragment; or the reason why it is none. */
export function parseRequestUri(text: string): Url | string {
  const url = text === '' ? 'empty url' : read(text, true);
  return typeof url === 'string' ? wrong(text, url) : url;
}

/** As anybody writes it. */
export function parseUrl(text: string): Url | string {
  const [bare = '', ...fragments] = text.split('#');
  const url = read(bare, false);
  if (typeof url === 'string') return wrong(bare, url);
  const problem = escapeProblem(fragments.join('#'));
  return problem === undefined ? url : wrong(text, problem);
}

function wrong(text: string, why: string): string {
  return `parse ${JSON.stringify(text)}: ${why}`;
}

function read(text: string, isRequest: boolean): Url | string {
  // oxlint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL';
  if (text === '*') return { scheme: '', host: '', path: text, query: '' };
  if (text.startsWith(':')) return 'missing protocol scheme';
  const [, written = '', rest = ''] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(.*)$/s.exec(text) ?? [];
  const scheme = written.toLowerCase();
  const mark = rest.indexOf('?');
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  const place = mark < 0 ? rest : rest.slice(0, mark);
  if (!place.startsWith('/') && scheme !== '') return { scheme, host: '', path: '', query };
  if (!place.startsWith('/') && isRequest) return 'invalid URI for request';
  const hasHost = scheme !== '' || (!isRequest && !place.startsWith('///'));
  const [, authority, path = place] = (hasHost && /^\/\/([^/]*)(.*)$/s.exec(place)) || [];
  const at = authority?.lastIndexOf('@') ?? -1;
  const host = authority?.slice(at + 1) ?? '';
  const problem = hostProblem(scheme, host) ?? userProblem(authority?.slice(0, Math.max(at, 0)) ?? '') ?? escapeProblem(path);
  return problem ?? { scheme, host: decoded(host), path, query };
}

function userProblem(user: string): string | undefined {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return 'net/url: invalid userinfo';
  const colon = user.indexOf(':');
  return colon < 0 ? escapeProblem(user) : escapeProblem(user.slice(0, colon)) ?? escapeProblem(user.slice(colon + 1));
}

function escapeProblem(text: string): string | undefined {
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  return escape ? `invalid URL escape ${JSON.stringify(escape[0])}` : undefined;
}

function hostProblem(scheme: string, host: string): string | undefined {
  const open = host.lastIndexOf('[');
  if (open > 0) return 'invalid IP-literal';
  if (open === 0) return literalProblem(host);
  // Only for the web are more colons none of a port.
  const colon = scheme === 'http' || scheme === 'https' ? host.indexOf(':') : host.lastIndexOf(':');
  return (colon < 0 ? undefined : portProblem(host.slice(colon))) ?? nameProblem(host);
}

function portProblem(text: string): string | undefined {
  return /^(?::\d*)?$/.test(text) ? undefined : `invalid port ${JSON.stringify(text)} after host`;
}

/** What is in brackets is an address of version 6, maybe with a zone. */
function literalProblem(host: string): string | undefined {
  const close = host.lastIndexOf(']');
  if (close < 0) return "missing ']' in host";
  const name = host.slice(1, close);
  const mark = name.indexOf('%25');
  const problem = portProblem(host.slice(close + 1)) ?? nameProblem(mark < 0 ? name : name.slice(0, mark)) ?? (mark < 0 ? undefined : escapeProblem(name.slice(mark)));
  if (problem !== undefined) return problem;
  const [, address = '', zone] = /^([^%]*)(?:%(.*))?$/s.exec(decoded(name)) ?? [];
  if (zone !== undefined ? zone !== '' && address.includes(':') && parseAddress(address) : parseAddress(address)?.leadingZeros === false) {
    return zone === undefined && !address.includes(':') && isIPv4(address) ? 'invalid IP-literal' : undefined;
  }
  return `invalid host: ParseAddr(${JSON.stringify(decoded(name))}): unable to parse IP`;
}

/** Only what is not ASCII may be escaped, and `%` itself. */
function nameProblem(name: string): string | undefined {
  const [odd] = /[^A-Za-z0-9\-._~!$&'()*+,;=:%[\]<>"\u0080-\u{10ffff}]|%(?!25|[89a-fA-F][0-9a-fA-F]).{0,2}/su.exec(name) ?? [];
  if (odd === undefined) return undefined;
  return odd.startsWith('%') ? `invalid URL escape ${JSON.stringify(odd)}` : `invalid character ${JSON.stringify(odd)} in host name`;
}

function decoded(host: string): string {
  return new TextDecoder().decode(unescaped(host));
}

function unescaped(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  let size = 0;
  for (let at = 0; at < bytes.length; at++) {
    const isEscape = bytes[at] === 0x25;
    bytes[size++] = isEscape ? Number.parseInt(String.fromCharCode(...bytes.subarray(at + 1, at + 3)), 16) : (bytes[at] as number);
    if (isEscape) at += 2;
  }
  return bytes.subarray(0, size);
}

/** As it was written, where that is one way to write it. */
export function escapedPath(path: string): string {
  if (/^[A-Za-z0-9\-._~$&+,/:;=@!'()*%[\]]*$/.test(path)) return path;
  return Array.from(unescaped(path), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~$&+,/:;=@]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}
