/** One request passed on to a pod, a Service's endpoint or a node's port, and its answer as it looks from outside. Provenance: apimachinery's proxy of v0.36. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { ApiError, internalError } from '../../api/status.ts';
import type { Clock } from '../../std/clock.ts';
import { networkProblem } from '../../std/network-problem.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { forward, IDENTITY_HEADER, passedOn, tunnel, type Target } from './forward.ts';
import { withLinks } from './html-links.ts';
import { bytesOf, cleanPath, relink, type Stand, withSlash } from './links.ts';

/** Where to; which path of it, the request says. */
export type Place = Omit<Target, 'path' | 'headers' | 'without'>;

/** Who may read answers across origins is for this server to say. */
const CROSS_ORIGIN = ['access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods', 'access-control-allow-origin'];

export async function pass(exchange: Exchange, place: Place, clock: Clock): Promise<Answer> {
  const { method, body, signal, route, uri } = exchange;
  const mark = uri.indexOf('?');
  const query = mark < 0 ? '' : uri.slice(mark);
  const isRead = method === 'GET' || method === 'HEAD';
  if (!exchange.upgrade && route.rest === '' && isRead) return { type: 'stream', code: 301, headers: { Location: `${route.path}/${query}`, ...(method === 'GET' && { 'Content-Length': '0' }) }, stream: Readable.from([]) };
  const path = route.rest === '' ? '/' : cleanPath(route.rest);
  const asked = askedHost(exchange);
  const stand: Stand = { prefix: prefixOf(route.path, route.rest), host: `${hostOf(place)}:${place.port}`, asked };
  const target: Target = { ...place, path: `${path}${query}`, headers: { ...forwardedHeaders(exchange, stand, path), ...(asked !== '' && { host: asked }) }, without: IDENTITY_HEADER };
  if (exchange.upgrade) return tunnel(target);
  let response: IncomingMessage;
  try {
    response = await forward(target, { method, headers: exchange.headers, body: body.form === 'bytes' && !isRead ? body.stream() : undefined, signal });
  } catch (error) {
    throw unavailable(reasonOf(error, clock));
  }
  const headers = passedOn(response.headers);
  for (const name of CROSS_ORIGIN) delete headers[name];
  return { type: 'stream', code: response.statusCode ?? 502, headers: headers as Record<string, string | string[]>, stream: await seenThrough(response, { method, headers, stand }) };
}

/** A page that points to its own server points to the proxy's paths; so does a redirect, whose page is left alone. Changes `headers`. */
async function seenThrough(response: IncomingMessage, { method, headers, stand }: { readonly method: string; readonly headers: OutgoingHttpHeaders; readonly stand: Stand }): Promise<Readable> {
  const { location } = response.headers;
  if (location) {
    const seen = relink(location, stand);
    if ('problem' in seen) {
      response.destroy();
      throw internalError(`error trying to parse Location header: ${seen.problem}`);
    }
    headers['location'] = seen.url;
    return response;
  }
  const [type] = (response.headers['content-type'] ?? '').split(';', 1);
  if (type?.trim() !== 'text/html') return response;
  delete headers['content-length'];
  if (method === 'HEAD') return response;
  return withLinks(response, response.headers['content-encoding'] ?? '', (url) => {
    const seen = relink(url, stand);
    return 'url' in seen ? seen.url : undefined;
  });
}

function askedHost({ headers }: Exchange): string {
  const authority: unknown = (headers as Readonly<Record<string, unknown>>)[':authority'];
  return headers.host ?? (typeof authority === 'string' ? authority : '');
}

function hostOf({ host }: Place): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The path up to the proxy itself; where it was not clean, all of it, as upstream has it. */
function prefixOf(path: string, rest: string): string {
  const [whole, clean] = [bytesOf(path), bytesOf(rest === '' ? '' : cleanPath(rest))];
  return whole.endsWith(clean) ? whole.slice(0, whole.length - clean.length) : whole;
}

function forwardedHeaders({ headers, remoteAddress }: Exchange, { prefix }: Stand, path: string): Record<string, string> {
  const chain = [headers['x-forwarded-for'], remoteAddress].flat().filter(Boolean).join(', ');
  return { ...(chain !== '' && { 'x-forwarded-for': chain }), 'x-forwarded-uri': withSlash(posix.join(prefix, path), path) };
}

function reasonOf(error: unknown, clock: Clock): string {
  const problem = networkProblem(error instanceof ApiError ? error.cause : error, clock.now());
  return problem === 'http: server gave HTTP response to HTTPS client' ? 'tls: first record does not look like a TLS handshake' : problem;
}

function unavailable(reason: string): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message: `error trying to reach service: ${reason}` });
}
