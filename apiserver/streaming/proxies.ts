/** The proxy subresources of nodes, pods and services: which server stands behind the name. */
import { goQuote } from '../../api/go-quote.ts';
import { isIP } from 'node:net';
import { endpoints, nodes, pods, services, type ResourceRef } from '../../api/resources.ts';
import { isGlobalUnicast } from '../../api/kinds/shared/ip-address.ts';
import { ApiError, badRequest, notFound } from '../../api/status.ts';
import type { EndpointAddress } from '../../api/types/core.v1.ts';
import { below } from '../../std/random.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import type { Handler } from '../dispatch.ts';
import type { NodeStatistics } from '../metrics-api/node-statistics.ts';
import type { Pki } from '../pki/pki.ts';
import { admitConnect } from './connect.ts';
import { kubeletAddress, kubeletTls } from './kubelet-address.ts';
import { passToOwn } from './own-node.ts';
import { pass, type Place } from './proxied.ts';

export function nodeProxy(pki: Pki, statistics: Pick<NodeStatistics, 'asks'>): Handler {
  return async (core, exchange, resource) => {
    await admitConnect(core, exchange, resource);
    const { scheme, name, port } = partsOf(exchange.route.name, 'node');
    if (!core.reader.get(nodes, '', name)) throw notFound({ group: '', resource: 'nodes', name });
    const address = kubeletAddress(core, name);
    const own = statistics.asks(name);
    if (own && (port === '' || port === String(address.port))) return passToOwn(exchange, own);
    // The kubelet proves who it is, wherever it is; any other port of the machine that we run on is nobody's business.
    if (port === '' || port === String(address.port)) return pass(exchange, { ...address, tls: { ...kubeletTls(address, pki), servername: '' } }, core.clock);
    if (isIP(address.host) && !isGlobalUnicast(address.host)) throw badRequest('address not allowed');
    return pass(exchange, { host: address.host, ...portOf(port, scheme), ...insecure(scheme) }, core.clock);
  };
}

export const podProxy: Handler = async (core, exchange, resource) => {
  await admitConnect(core, exchange, resource);
  const { scheme, name, port } = partsOf(exchange.route.name, 'pod');
  const pod = await look(core, pods, exchange.route.namespace, name);
  if (!pod) throw notFound({ group: '', resource: 'pods', name });
  const host = pod.status?.podIP ?? '';
  if (!isGlobalUnicast(host)) throw badRequest('address not allowed');
  const named = pod.spec?.containers.flatMap(({ ports = [] }) => ports) ?? [];
  const asked = port === '' ? named[0]?.containerPort : named.find((one) => one.name === port)?.containerPort;
  return pass(exchange, { host, ...portOf(asked === undefined ? port : String(asked), scheme), ...insecure(scheme) }, core.clock);
};

export const serviceProxy: Handler = async (core, exchange, resource) => {
  await admitConnect(core, exchange, resource);
  const { scheme, name, port } = partsOf(exchange.route.name, 'service');
  const { namespace } = exchange.route;
  const endpoint = await endpointOf(core, { namespace, name, port: /^[0-9]+$/.test(port) ? await portName(core, { namespace, name, port }) : port, asked: exchange.route.name });
  return pass(exchange, { ...endpoint, ...insecure(scheme) }, core.clock);
};

/** Past a cache that is not open yet or lags. */
async function look<T>({ reader }: Core, resource: ResourceRef<T>, namespace: string, name: string): Promise<Stored<T> | undefined> {
  return reader.get(resource, namespace, name) ?? reader.getFresh(resource, namespace, name);
}

interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly port: string;
}

/** Numbers are those of the Service; names, those of its endpoints. */
async function portName(core: Core, { namespace, name, port }: Asked): Promise<string> {
  const service = await look(core, services, namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services', name });
  const found = service.spec?.ports?.find((one) => one.port === Number(port));
  if (!found) throw unavailable(`no service port ${Number(port)} found for service ${goQuote(name)}`);
  return found.name ?? '';
}

async function endpointOf(core: Core, { namespace, name, port, asked }: Asked & { readonly asked: string }): Promise<{ host: string; port: number }> {
  const found = await look(core, endpoints, namespace, name);
  if (!found) throw notFound({ group: '', resource: 'services', name });
  const subsets = found.subsets ?? [];
  if (subsets.length === 0) throw unavailable(`no endpoints available for service ${goQuote(name)}`);
  const ready = subsets.flatMap(({ addresses = [], ports = [] }) => {
    const number = ports.find((one) => (one.name ?? '') === port)?.port;
    return number === undefined ? [] : addresses.map((address) => ({ address, port: number }));
  });
  // From a place of chance on, the first whose pod is still there.
  const start = below(core.random, ready.length);
  for (const { address, port: number } of [...ready.slice(start), ...ready.slice(0, start)]) {
    if (await isOfPod(core, namespace, address)) return { host: address.ip, port: number };
  }
  throw unavailable(`no endpoints available for service ${goQuote(asked)}`);
}

/** Endpoints can be written by hand: only addresses of pods are called. */
async function isOfPod(core: Core, namespace: string, { ip, targetRef }: EndpointAddress): Promise<boolean> {
  if (targetRef?.namespace !== namespace) return false;
  const pod = await look(core, pods, namespace, targetRef.name ?? '');
  return pod?.status?.podIPs?.some((one) => one.ip === ip) ?? false;
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
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme ?? '')) throw badRequest(`invalid ${kind} request ${goQuote(text)}`);
  return { scheme: scheme ?? '', name, port: port ?? '' };
}

/** What pods serve is theirs: their certificates are of no authority that this server knows. */
function insecure(scheme: string): Pick<Place, 'tls'> {
  return scheme === 'https' ? { tls: { rejectUnauthorized: false, servername: '' } } : {};
}

function portOf(port: string, scheme: string): Pick<Place, 'port'> {
  if (port === '') return { port: scheme === 'https' ? 443 : 80 };
  const value = Number(port);
  if (!/^[0-9]+$/.test(port)) throw badRequest(`invalid port ${goQuote(port)}`);
  if (value > 65535) throw unavailable(`error trying to reach service: dial tcp: address ${port}: invalid port`);
  return { port: value };
}

function unavailable(message: string): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message });
}
