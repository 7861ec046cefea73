/** Users whom an authenticating proxy names in headers: believed when the proxy shows a certificate of its own authority. Provenance: authentication/request/headerrequest of apiserver v0.36. */
import type { UserInfo } from './auth.ts';
import { headerText } from './header-text.ts';

export interface RequestHeaderNames {
  /** Common names of proxies; none: whoever has a certificate of the authority. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/** Of the proxy that this cluster makes a certificate for. */
export const REQUEST_HEADERS: RequestHeaderNames = {
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraPrefixes: ['X-Remote-Extra-'],
};

/** Undefined where no header names a user. `rawHeaders` is Node's flat list of names and values, which keeps repeated headers apart. */
export function requestHeaderUser(rawHeaders: readonly string[], names: RequestHeaderNames): UserInfo | undefined {
  const first = (wanted: readonly string[]): string => wanted.map((header) => valuesOf(rawHeaders, header)[0] ?? '').find(Boolean) ?? '';
  const name = first(names.usernameHeaders);
  if (name === '') return undefined;
  const uid = first(names.uidHeaders);
  const groups = names.groupHeaders.flatMap((header) => valuesOf(rawHeaders, header));
  const extra: Record<string, string[]> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] as string).toLowerCase();
    const prefix = names.extraPrefixes.find((one) => header.startsWith(one.toLowerCase()));
    if (prefix !== undefined) (extra[unescape(header.slice(prefix.length))] ??= []).push(headerText(rawHeaders[at + 1] as string));
  }
  return { name, groups, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

function valuesOf(rawHeaders: readonly string[], header: string): string[] {
  const wanted = header.toLowerCase();
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) if ((rawHeaders[at] as string).toLowerCase() === wanted) values.push(headerText(rawHeaders[at + 1] as string));
  return values;
}

function unescape(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
