/** How a request of the kubelet is read, and what it is told where no page stands behind its path. Pure. */
import type { Page } from '../backend.ts';
import { type Route, routeOf } from './routes.ts';

/** As it is told apart everywhere here, who may ask included: decoded, the dots not yet resolved. */
export function pathOf(url: string): string {
  try {
    return decodeURIComponent(sentPath(url));
  } catch {
    return '/';
  }
}

function sentPath(url: string): string {
  const sent = url.split('?', 1)[0] ?? '/';
  return sent.startsWith('/') ? sent : `/${sent}`;
}

export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

export const PLAIN = 'text/plain; charset=utf-8';
const NOSNIFF = { 'X-Content-Type-Options': 'nosniff' };

export type Led =
  /** Said to anybody. */
  | { readonly type: 'open'; readonly answer: Page }
  /** Said to who may ask. */
  | { readonly type: 'answer'; readonly answer: Page }
  | Extract<Route, { readonly type: 'page' | 'stream' }>;

export function ledBy(method: string, url: string): Led {
  const route = routeOf(method, pathOf(url), sentPath(url));
  switch (route.type) {
    case 'missing':
      return { type: 'open', answer: { code: 404, type: PLAIN, headers: NOSNIFF, body: '404 page not found\n' } };
    case 'moved':
      return { type: 'open', answer: moved(method, url.includes('?') ? `${route.to}${url.slice(url.indexOf('?'))}` : route.to) };
    case 'refused':
      return { type: 'answer', answer: { code: route.code, type: PLAIN, body: route.message, ...(route.allow && { headers: { Allow: route.allow } }) } };
    default:
      return route;
  }
}

function moved(method: string, to: string): Page {
  const body = method === 'GET' || method === 'HEAD' ? `<a href="${escapeHtml(to)}">Temporary Redirect</a>.\n\n` : '';
  return { code: 307, type: 'text/html; charset=utf-8', headers: { Location: to }, body };
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;').replaceAll("'", '&#39;');
}
