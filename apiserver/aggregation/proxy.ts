/** Requests for aggregated APIs, passed on with the name of the user; answers as they come. Provenance of the refusals: kube-aggregator/pkg/apiserver of v0.36. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { ApiError, type Status } from '../../api/status.ts';
import type { Clock } from '../../std/clock.ts';
import { networkProblem } from '../../std/network-problem.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { IDENTITY_HEADER, passedOn, tunnel } from '../streaming/forward.ts';
import { watchAnswer } from './direct-watch.ts';
import { identityHeaders, type Remote } from './remote.ts';
import type { Endpoint } from './service-address.ts';

/** Documents of discovery are asked for by every client and must not hold them up. */
const DISCOVERY_LIMIT_MS = 5_000;
/** An answer to a caller in this process is read as a whole, up to here. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export interface Passing {
  readonly remote: Remote;
  readonly available: boolean;
  readonly clock: Clock;
}

export async function pass(exchange: Exchange, { remote, available, clock }: Passing): Promise<Answer> {
  const direct = exchange.body.form === 'value';
  const refusal = (text: string): Answer => refused(text, direct);
  if (!available) return refusal('service unavailable');
  let endpoint: Endpoint;
  try {
    endpoint = remote.endpoint();
  } catch {
    return refusal('service unavailable');
  }
  const { user, method, body } = exchange;
  const path = pathOf(exchange);
  if (exchange.upgrade) return tunnel({ ...endpoint, path, tls: remote.tls, headers: identityHeaders(user) as Record<string, string | string[]>, without: IDENTITY_HEADER });
  const sends = method !== 'GET' && method !== 'HEAD';
  const abort = new AbortController();
  const leave = (): void => abort.abort();
  exchange.signal.addEventListener('abort', leave, { once: true });
  if (exchange.signal.aborted) leave();
  const limit = isDiscovery(exchange) ? clock.after(DISCOVERY_LIMIT_MS, leave) : undefined;
  try {
    const response = await remote.send(endpoint, {
      method, path, user, headers: headersOf(exchange, endpoint), signal: abort.signal,
      body: !sends ? undefined : body.form === 'value' ? Buffer.from(body.value === undefined ? '' : JSON.stringify(body.value)) : body.stream(),
    });
    // Who leaves after the answer has ended leaves nothing to stop.
    response.once('close', () => exchange.signal.removeEventListener('abort', leave));
    if (isRedirect(response)) {
      response.destroy();
      return redirected(direct);
    }
    if (direct && exchange.route.verb === 'watch' && response.statusCode === 200) return watchAnswer(response, exchange.route);
    if (direct) return await documentOf(response);
    return { type: 'stream', code: response.statusCode ?? 502, headers: passedOn(response.headers) as Record<string, string | string[]>, stream: response };
  } catch (error) {
    exchange.signal.removeEventListener('abort', leave);
    if (error instanceof ApiError) throw error;
    return refusal(`error trying to reach service: ${abort.signal.aborted ? 'context deadline exceeded' : networkProblem(error, clock.now())}`);
  } finally {
    limit?.cancel();
  }
}

/** Callers within the process hear of it as any client does that reads the status. */
function refused(text: string, direct: boolean): Answer {
  if (direct) throw new ApiError({ code: 503, reason: 'ServiceUnavailable', message: text });
  return { type: 'text', code: 503, text: `${text}\n`, contentType: 'text/plain; charset=utf-8' };
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 300 && statusCode < 400;
}

/** Where a client goes with its credentials is not another server's to say. */
function redirected(direct: boolean): Answer {
  const text = 'the backend attempted to redirect this request, which is not permitted';
  if (direct) throw new ApiError({ code: 502, message: text });
  return { type: 'text', code: 502, text, contentType: 'text/plain; charset=utf-8' };
}

function headersOf({ headers, body, id, remoteAddress }: Exchange, { host, port }: Endpoint): OutgoingHttpHeaders {
  const kept = passedOn(headers);
  for (const name of Object.keys(kept)) if (IDENTITY_HEADER.test(name)) delete kept[name];
  kept['audit-id'] = id;
  kept['x-forwarded-host'] = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  kept['x-forwarded-proto'] = 'https';
  if (remoteAddress !== undefined) kept['x-forwarded-for'] = [headers['x-forwarded-for'], remoteAddress].flat().filter(Boolean).join(', ');
  if (body.form === 'value') {
    kept['accept'] = 'application/json';
    if (body.value !== undefined) kept['content-type'] = body.contentType || 'application/json';
  }
  return kept;
}

/** As Go writes it anew: slashes stand for themselves. */
function pathOf({ route, query }: Exchange): string {
  const text = String(query);
  const path = route.path.replaceAll(/%2f/gi, '/');
  return text ? `${path}?${text}` : path;
}

function isDiscovery({ route }: Exchange): boolean {
  return !route.isResource && route.path.replaceAll(/^\/+|\/+$/g, '').split('/').length === 3;
}

/** For a caller within the process, who takes objects and not bytes. Throws the other server's refusal. */
async function documentOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > ANSWER_LIMIT_BYTES) throw new ApiError({ code: 500, message: `the answer of an aggregated API has more than ${ANSWER_LIMIT_BYTES} bytes` });
    chunks.push(chunk);
  }
  const code = response.statusCode ?? 500;
  const text = Buffer.concat(chunks).toString();
  let object: object | undefined;
  try {
    object = JSON.parse(text) as object;
  } catch {
    // Said below.
  }
  if (code >= 400) throw new ApiError(object && 'code' in object ? (object as Status) : { code, message: text, details: { causes: [{ reason: 'UnexpectedServerResponse', message: text.trim() }] } });
  if (!object) throw new ApiError({ code: 500, message: 'an aggregated API gave an answer that is no JSON' });
  return { type: 'document', code, object };
}
