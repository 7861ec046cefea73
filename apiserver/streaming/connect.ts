/** What goes before every connection to a pod, service or node: its options, and admission of them. */
import { goQuote } from '../../api/go-quote.ts';
import { normalize } from '../../api/codec/json.ts';
import { kindFact } from '../../api/facts/facts.ts';
import type { ApiObject } from '../../api/kind.ts';
import { badRequest } from '../../api/status.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import type { Core } from '../core.ts';
import type { Exchange, Query } from '../exchange.ts';
import { groupVersion, type Resource } from '../registry/resource.ts';

export interface ConnectOptions extends ApiObject {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly tty?: boolean;
  readonly container?: string;
  readonly command?: readonly string[] | null;
  readonly ports?: readonly number[];
  readonly path?: string;
}

/** The options as admission leaves them. Throws what refuses the connection. */
export async function admitConnect(core: Core, exchange: Exchange, resource: Resource): Promise<ConnectOptions> {
  const { namespace, name, subresource } = exchange.route;
  if ((exchange.query.get('dryRun') ?? '') !== '') throw badRequest('dryRun is not supported');
  const object = optionsOf(exchange, resource);
  const request: AdmissionRequest = {
    operation: 'CONNECT', kind: resource.kind, version: resource.version.version, subresource, namespace, name, object, old: undefined, options: {}, user: exchange.user, dryRun: false,
    now: core.clock.now(), warnings: exchange.warnings, caller: exchange,
  };
  await core.admission.mutate(request);
  await core.admission.validate(request);
  return object as ConnectOptions;
}

function optionsOf({ query, route }: Exchange, resource: Resource): ApiObject {
  const { group, version, kind } = resource.subresource(route.subresource)?.speaks ?? { group: '', version: 'v1', kind: 'Options' };
  const sent = { kind, apiVersion: groupVersion(group, version), ...fields(kind, query, route.rest) };
  const fact = kindFact(group, version, kind);
  return fact ? normalize({ type: fact.type }, sent).object : (sent as unknown as ApiObject);
}

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'] as const;

function fields(kind: string, query: Query, path: string): object {
  switch (kind) {
    case 'PodExecOptions':
    case 'PodAttachOptions':
      return {
        ...Object.fromEntries(FLAGS.filter((flag) => isSet(query.get(flag))).map((flag) => [flag, true])),
        ...(query.get('container') && { container: query.get('container') }), ...(kind === 'PodExecOptions' && { command: query.getAll('command') }),
      };
    case 'PodPortForwardOptions':
      return { ports: query.getAll('ports').flatMap((text) => text.split(',').map(portOf)) };
    default:
      return { path };
  }
}

const LARGEST_PORT = 65535;

/** Throws 400. */
function portOf(text: string): number {
  const wrong = !/^[0-9]+$/.test(text) ? 'invalid syntax' : Number(text) > LARGEST_PORT ? 'value out of range' : undefined;
  if (wrong !== undefined) throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing ${goQuote(text)}: ${wrong}`);
  return Number(text);
}

function isSet(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}
