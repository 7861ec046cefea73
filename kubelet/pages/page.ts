/** The forms of answers that pages have in common. */
import type { Page } from '../backend.ts';
import { EXPOSITION_TYPE } from './exposition.ts';

export const PLAIN = 'text/plain; charset=utf-8';

export function plain(code: number, body: string, headers?: Page['headers']): Page {
  return { code, type: PLAIN, body, ...(headers && { headers }) };
}

export function json(value: unknown, indent = 0): Page {
  return { code: 200, type: 'application/json', body: JSON.stringify(value, undefined, indent) };
}

export function figures(text: string): Page {
  return { code: 200, type: EXPOSITION_TYPE, body: text };
}

export const NOT_FOUND: Page = plain(404, '404 page not found\n', { 'X-Content-Type-Options': 'nosniff' });
