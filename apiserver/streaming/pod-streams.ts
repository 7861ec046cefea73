/** log, exec, attach and port-forward: checked here, answered by the kubelet of the pod's node. */
import { goQuote } from '../../api/go-quote.ts';
import { canonicalTime, TIME_LAYOUT, timeProblem } from '../../api/codec/scalars.ts';
import { invalid, forbiddenField, Path, type FieldError } from '../../api/field-error.ts';
import { pods } from '../../api/resources.ts';
import { ApiError, badRequest, forbidden, notFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { IncomingMessage } from 'node:http';
import type { Stored } from '../auth/reader.ts';
import { attributesOf } from '../chain/authorize.ts';
import type { Core } from '../core.ts';
import type { Handler } from '../dispatch.ts';
import type { Answer, Exchange, Query } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import type { NodeStatistics } from '../metrics-api/node-statistics.ts';
import type { Pki } from '../pki/pki.ts';
import { admitConnect, type ConnectOptions } from './connect.ts';
import { forward, tunnel } from './forward.ts';
import { kubeletAddress, kubeletTls } from './kubelet-address.ts';
import { logOfOwn, refuseConnection } from './own-node.ts';

/** What a kubelet says in refusal is read up to here. */
const REFUSAL_LIMIT_BYTES = 16 * 1024;

type OwnNodes = Pick<NodeStatistics, 'asks'>;

export function logHandler(pki: Pki, nodes: OwnNodes): Handler {
  return async (core, exchange) => {
    const { name } = exchange.route;
    const errors = logErrors(exchange.query);
    if (errors.length > 0) throw invalidObject('', 'PodLogOptions', name, errors);
    const pod = await podOf(core, exchange);
    const container = containerOf(pod, exchange.query.get('container'));
    if (!pod.spec?.nodeName) return { type: 'text', code: 204, text: '' };
    if (nodes.asks(pod.spec.nodeName)) return logOfOwn(pod, container, exchange.query.get('previous') === 'true');
    const address = kubeletAddress(core, pod.spec.nodeName, 'pods');
    const query = logQuery(exchange.query);
    const path = `/containerLogs/${pod.metadata.namespace}/${name}/${container}${query ? `?${query}` : ''}`;
    const response = await forward({ ...address, path, tls: kubeletTls(address, pki) }, { method: 'GET', headers: {}, signal: exchange.signal });
    if ((response.statusCode ?? 500) >= 400) throw await kubeletRefusal(response);
    return { type: 'stream', code: response.statusCode ?? 200, headers: { 'Content-Type': 'text/plain' }, stream: response };
  };
}

/** `exec` and `attach`: one container of a pod. */
export function execHandler(verb: 'exec' | 'attach', pki: Pki, nodes: OwnNodes): Handler {
  return async (core, exchange, resource) => {
    const options = await admitConnect(core, exchange, resource);
    await requireConnect(core, exchange);
    const pod = await podOf(core, exchange);
    const container = containerOf(pod, options.container ?? null);
    const { namespace, name } = pod.metadata;
    return connect(core, exchange, { pod, pki, nodes, path: `/${verb}/${namespace}/${name}/${container}`, query: streamQuery(options) });
  };
}

export function portForwardHandler(pki: Pki, nodes: OwnNodes): Handler {
  return async (core, exchange, resource) => {
    const { ports = [] } = await admitConnect(core, exchange, resource);
    await requireConnect(core, exchange);
    const pod = await podOf(core, exchange);
    const { namespace, name } = pod.metadata;
    const query = ports.length > 0 ? `port=${encodeURIComponent(ports.join(','))}` : '';
    return connect(core, exchange, { pod, pki, nodes, path: `/portForward/${namespace}/${name}`, query });
  };
}

interface Connecting {
  readonly pod: Stored<Pod>;
  readonly pki: Pki;
  readonly nodes: OwnNodes;
  readonly path: string;
  readonly query: string;
}

async function connect(core: Core, exchange: Exchange, { pod, pki, nodes, path, query }: Connecting): Promise<Answer> {
  const node = pod.spec?.nodeName;
  if (!node) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const address = kubeletAddress(core, node, 'pods');
  if (!exchange.upgrade) throw badRequest('Upgrade request required');
  if (nodes.asks(node)) refuseConnection(node);
  return tunnel({ ...address, path: query ? `${path}?${query}` : path, tls: kubeletTls(address, pki) });
}

/** WebSockets open with a GET, and yet it takes the right to create. Throws 403, before a word about the pod. */
async function requireConnect({ authorizer }: Core, exchange: Exchange): Promise<void> {
  const { route, user } = exchange;
  if (route.verb === 'create' || user.groups.includes('system:masters')) return;
  const { decision, reason } = await authorizer.authorize({ ...attributesOf(exchange), verb: 'create' });
  if (decision !== 'allow') throw forbidden({ group: route.group, resource: route.resource, name: route.name }, reason);
}

async function podOf({ reader }: Core, { route }: Exchange): Promise<Stored<Pod>> {
  const pod = reader.get(pods, route.namespace, route.name) ?? (await reader.getFresh(pods, route.namespace, route.name));
  if (!pod) throw notFound({ group: '', resource: 'pods', name: route.name });
  return pod;
}

function containerOf(pod: Stored<Pod>, asked: string | null): string {
  const { name } = pod.metadata;
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const all = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name);
  if (asked) {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  const [only] = containers;
  if (containers.length === 1 && only && all.length === 1) return only.name;
  if (all.length === 1) return all[0] as string;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(' ')}]`);
}

const LOG_PARAMETERS = ['follow', 'previous', 'timestamps', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'];

function logQuery(query: Query): string {
  const out = new URLSearchParams();
  for (const name of LOG_PARAMETERS) {
    const value = query.get(name);
    if (value !== null && value !== '') out.set(name, value);
  }
  return out.toString();
}

/** Throws 400 on what cannot be read at all. */
function logErrors(query: Query): FieldError[] {
  const sinceSeconds = wholeNumber(query.get('sinceSeconds'));
  const sinceTime = query.get('sinceTime') || undefined;
  if (sinceTime !== undefined && canonicalTime(sinceTime) === undefined) throw badRequest(timeProblem(sinceTime, TIME_LAYOUT));
  const tailLines = wholeNumber(query.get('tailLines'));
  const limitBytes = wholeNumber(query.get('limitBytes'));
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) errors.push(invalid(Path.of('tailLines'), tailLines, 'must be greater than or equal to 0'));
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid(Path.of('limitBytes'), limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push({ ...forbiddenField(Path.of(''), 'at most one of `sinceTime` or `sinceSeconds` may be specified'), field: '[]' });
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(invalid(Path.of('sinceSeconds'), sinceSeconds, 'must be greater than 0'));
  // One stream alone can be asked for behind a feature gate only.
  if (query.has('stream')) errors.push(forbiddenField(Path.of('stream'), 'may not be specified'));
  return errors;
}

function wholeNumber(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^[-+]?[0-9]+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  return Number(text);
}

/** The kubelet's own names for what the API calls stdin, stdout, stderr. */
function streamQuery(options: ConnectOptions): string {
  const out = new URLSearchParams();
  const flags = [['stdin', 'input'], ['stdout', 'output'], ['stderr', 'error'], ['tty', 'tty']] as const;
  for (const [name, own] of flags) if (options[name]) out.set(own, '1');
  for (const word of options.command ?? []) out.append('command', word);
  return out.toString();
}

async function kubeletRefusal(response: IncomingMessage): Promise<ApiError> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > REFUSAL_LIMIT_BYTES) break;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString().trim();
  const code = response.statusCode ?? 500;
  if (code === 400) return badRequest(text);
  if (code === 404) return new ApiError({ code: 404, reason: 'NotFound', message: text || 'the server could not find the requested resource' });
  return new ApiError({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${text}`, details: { causes: [{ message: text }] } });
}
