/** The proxy subresources of nodes, pods and services: any request, passed on to what stands behind the name. */
import { Readable } from 'node:stream';
import { endpointslices, nodes, pods, services } from '../../api/resources.ts';
import { ApiError, badRequest, notFound } from '../../api/status.ts';
import type { EndpointSlice } from '../../api/types/discovery.v1.ts';
import { below } from '../../std/random.ts';
import type { Core } from '../core.ts';
import type { Handler } from '../dispatch.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Pki } from '../pki/pki.ts';
import { admitConnect } from './connect.ts';
import { forward, passedOn, tunnel, type Target } from './forward.ts';
import { kubeletAddress, kubeletTls } from './kubelet-address.ts';

export function nodeProxy(pki: Pki): Handler {
  return async (core, exchange, resource) => {
    await admitConnect(core, exchange, resource);
    const { name, port } = partsOf(exchange.route.name, 'node');
    if (!core.reader.get(nodes, '', name)) throw notFound({ group: '', resource: 'nodes', name });
    const address = kubeletAddress(core, name);
    const own = port === '' || port === String(address.port);
    return pass(exchange, own ? { ...address, path: pathOf(exchange), tls: kubeletTls(address, pki) } : { host: address.host, port: number(port), path: pathOf(exchange) });
  };
}

export const podProxy: Handler = async (core, exchange, resource) => {
  await admitConnect(core, exchange, resource);
  const { scheme, name, port } = partsOf(exchange.route.name, 'pod');
  const pod = core.reader.get(pods, exchange.route.namespace, name) ?? (await core.reader.getFresh(pods, exchange.route.namespace, name));
  if (!pod) throw notFound({ group: '', resource: 'pods', name });
  const host = pod.status?.podIP;
  if (!host) throw badRequest('address not allowed');
  const named = pod.spec?.containers.flatMap(({ ports = [] }) => ports) ?? [];
  const asked = port === '' ? named[0]?.containerPort : (named.find((one) => one.name === port)?.containerPort ?? number(port));
  return pass(exchange, { host, port: asked ?? 80, path: pathOf(exchange), ...insecure(scheme) });
};

export const serviceProxy: Handler = async (core, exchange, resource) => {
  await admitConnect(core, exchange, resource);
  const { scheme, name, port } = partsOf(exchange.route.name, 'service');
  const { namespace } = exchange.route;
  const service = core.reader.get(services, namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services', name });
  const ports = service.spec?.ports ?? [];
  const found = port === '' ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  // Only numbers are looked up in the Service; names, among its endpoints.
  if (!found && /^[0-9]+$/.test(port)) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const endpoint = endpointOf(core, { namespace, name, port: found?.name ?? (found ? '' : port) });
  return pass(exchange, { ...endpoint, path: pathOf(exchange), ...insecure(scheme) });
};

function endpointOf(core: Core, { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: string }): { host: string; port: number } {
  const slices = core.reader.list(endpointslices, namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  if (slices.length === 0) throw notFound({ group: '', resource: 'services', name });
  const ready = slices.flatMap((slice) => addressesOf(slice as unknown as EndpointSlice, port));
  const chosen = ready[below(core.random, ready.length)];
  if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

function addressesOf({ ports, endpoints }: EndpointSlice, name: string): { host: string; port: number }[] {
  const port = ports?.find((one) => (one.name ?? '') === name)?.port;
  if (port === undefined) return [];
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses.map((host) => ({ host, port })));
}

async function pass(exchange: Exchange, target: Target): Promise<Answer> {
  if (exchange.upgrade) return tunnel(target);
  const { method, headers, body, signal, route } = exchange;
  if (route.rest === '' && method === 'GET') {
    return { type: 'stream', code: 301, headers: { Location: `${route.path}/` }, stream: empty() };
  }
  const stream = body.form === 'bytes' && !['GET', 'HEAD'].includes(method) ? body.stream() : undefined;
  const response = await forward(target, { method, headers, body: stream, signal });
  return { type: 'stream', code: response.statusCode ?? 502, headers: passedOn(response.headers) as Record<string, string | string[]>, stream: response };
}

function pathOf({ route, query }: Exchange): string {
  const text = String(query);
  return `${route.rest === '' ? '/' : route.rest}${text ? `?${text}` : ''}`;
}

interface Parts {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

/** `name`, `name:port`, `scheme:name:port`. */
function partsOf(text: string, kind: string): Parts {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: '', name: text, port: '' };
  const [scheme, name, port] = parts.length === 2 ? ['', ...parts] : parts;
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme ?? '')) throw badRequest(`invalid ${kind} request ${JSON.stringify(text)}`);
  return { scheme: scheme ?? '', name, port: port ?? '' };
}

/** What pods serve is theirs: their certificates are of no authority that this server knows. */
function insecure(scheme: string): Pick<Target, 'tls'> {
  return scheme === 'https' ? { tls: { rejectUnauthorized: false } } : {};
}

function number(port: string): number {
  const value = Number(port);
  if (!Number.isInteger(value) || value < 1 || value > 65535) throw badRequest(`invalid port ${JSON.stringify(port)}`);
  return value;
}

function unavailable(message: string): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message });
}

function empty(): Readable {
  return Readable.from([]);
}
