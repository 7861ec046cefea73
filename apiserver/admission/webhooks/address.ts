/** Where a webhook is: the URL that is called and shown, and for a Service the address behind its name. Provenance: util/webhook and util/proxy of apiserver v0.36. */
import { posix } from 'node:path';
import { services } from '../../../api/resources.ts';
import type { ServiceReference, WebhookClientConfig } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader } from '../../auth/reader.ts';

export interface Address {
  /** `https://host:port` as it is named. */
  readonly origin: string;
  readonly path: string;
  /** The name that the certificate must be for. */
  readonly serverName: string | undefined;
  readonly service: DeepReadonly<ServiceReference> | undefined;
}

const DEFAULT_PORT = 443;

export function addressOf({ url, service }: DeepReadonly<WebhookClientConfig>): Address {
  if (service) {
    const { name, namespace, path = '', port } = service;
    const serverName = `${name}.${namespace}.svc`;
    return { origin: `https://${serverName}:${port || DEFAULT_PORT}`, path: clean(path), serverName, service };
  }
  const { host, pathname } = new URL(url ?? '');
  return { origin: `https://${host}`, path: clean(pathname), serverName: undefined, service: undefined };
}

function clean(path: string): string {
  const joined = posix.join('/', path);
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The cluster address of a Service. Throws an Error that says why there is none. */
export function resolveService(reader: Reader, { name, namespace, port }: DeepReadonly<ServiceReference>): Endpoint {
  const service = reader.get(services, namespace, name);
  if (!service) throw new Error(`service ${JSON.stringify(name)} not found`);
  const { type = 'ClusterIP', clusterIP = '', externalName = '', ports = [] } = service.spec ?? {};
  const wanted = port || DEFAULT_PORT;
  if (type === 'ExternalName') return { host: externalName, port: wanted };
  if (type === 'ClusterIP' && clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"');
  if (!ports.some((one) => one.port === wanted)) throw new Error(`no service port ${wanted} found for service ${JSON.stringify(name)}`);
  return { host: clusterIP, port: wanted };
}
