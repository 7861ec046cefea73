/**
 * Where a Service answers: one of its ready endpoints, so that neither rules of a Service proxy on this machine nor a running one are needed.
 * Provenance of the choice and the wording: apiserver/pkg/util/proxy of v0.36.
 */
import { endpointslices, services } from '../../api/resources.ts';
import type { EndpointSlice } from '../../api/types/discovery.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { below, type Random } from '../../std/random.ts';
import type { Reader } from '../auth/reader.ts';

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const SERVICE_LABEL = 'kubernetes.io/service-name';

/** Throws an Error that says why there is none. */
export function resolveEndpoint(reader: Reader, random: Random, { namespace, name, port }: ServicePort): Endpoint {
  const service = reader.get(services, namespace, name);
  if (!service) throw new Error(`service ${JSON.stringify(name)} not found`);
  const { type = 'ClusterIP', externalName = '', ports = [], ipFamilies = [] } = service.spec ?? {};
  if (type === 'ExternalName') return { host: externalName, port };
  const wanted = ports.find((one) => one.port === port);
  if (!wanted) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const family = ipFamilies[0];
  const slices = slicesOf(reader, namespace, name);
  const preferred = slices.filter(({ addressType }) => addressType === family);
  const endpoints = addresses(preferred, wanted.name ?? '');
  const usable = endpoints.length > 0 ? endpoints : addresses(slices, wanted.name ?? '');
  const chosen = usable[below(random, usable.length)];
  if (!chosen) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

export function slicesOf(reader: Reader, namespace: string, name: string): readonly DeepReadonly<EndpointSlice>[] {
  return reader.list(endpointslices, namespace).filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === name);
}

/** The ready addresses behind a named port. */
export function addresses(slices: readonly DeepReadonly<EndpointSlice>[], portName: string): Endpoint[] {
  return slices.flatMap(({ ports, endpoints }) => {
    const port = ports?.find((one) => (one.name ?? '') === portName)?.port;
    if (port === undefined || port === null) return [];
    return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map((one) => ({ host: one.addresses[0] ?? '', port }));
  });
}
