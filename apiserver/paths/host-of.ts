/** Under which name a client speaks to this server; the versions of HTTP say it in different headers. */
import type { IncomingHttpHeaders } from 'node:http';

export function hostOf(headers: IncomingHttpHeaders): string {
  return String(headers.host ?? headers[':authority'] ?? '');
}
