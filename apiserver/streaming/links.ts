/** Where a page behind a proxy points to, seen from outside. Texts are bytes, one character each, as headers and pages have them. */
import { posix } from 'node:path';
import { parseUrl } from '../../api/go-url.ts';

/** What stands in for a server: `prefix` before its paths, `host` for its address, `asked` for the name by which the client called us. */
export interface Stand {
  readonly prefix: string;
  readonly host: string;
  readonly asked: string;
}

/** Absolute paths of the server behind get the prefix; what is relative or of others stays. A text that is no URL: the reason why. */
export function relink(text: string, { prefix, host, asked }: Stand): { readonly url: string } | { readonly problem: string } {
  const parsed = parseUrl(text);
  if (typeof parsed === 'string') return { problem: parsed };
  const [, scheme = '', authority = '', path = '', rest = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(text) ?? [];
  const isForeign = authority !== '' && authority !== host && authority !== asked;
  const decoded = bytesOf(path);
  if (isForeign || !decoded.startsWith('/')) return { url: `${text.slice(0, text.length - path.length - rest.length)}${written(path)}${rest}` };
  const place = authority !== '' && authority === asked ? `${scheme}//${authority}` : '';
  if (decoded.startsWith(prefix)) return { url: `${place}${written(path)}${rest}` };
  return { url: `${place}${escaped(withSlash(posix.join(prefix, decoded), decoded))}${rest}` };
}

/** `path` and what comes after it, cleaned of empty and dotted segments; a slash at the end stays. */
export function cleanPath(path: string): string {
  return escaped(withSlash(posix.normalize(bytesOf(path)), path));
}

/** With a slash at the end if `like` has one. */
export function withSlash(path: string, like: string): string {
  return like.endsWith('/') && !path.endsWith('/') ? `${path}/` : path;
}

/** With its escapes undone. */
export function bytesOf(path: string): string {
  return path.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As it was, where that is a way to write it. */
function written(path: string): string {
  return /^[A-Za-z0-9\-._~$&+,/:;=@!'()*%[\]]*$/.test(path) ? path : escaped(bytesOf(path));
}

function escaped(bytes: string): string {
  return bytes.replaceAll(/[^A-Za-z0-9\-._~$&+,/:;=@]/gu, (character) =>
    (character <= '\u00ff' ? `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(character)),
  );
}
