/** The variables by which containers find Services: the ones that were there when the container was started. */
import type { Service } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';

/** Services of the pod's namespace where it wants them, and in any case the API server's. */
export function serviceVariables(services: readonly Stored<Service>[], pod: { readonly namespace: string; readonly links: boolean }): Map<string, string> {
  const wanted = services.filter(({ metadata, spec }) => {
    if (!spec?.clusterIP || spec.clusterIP === 'None') return false;
    return (pod.links && metadata.namespace === pod.namespace) || (metadata.namespace === 'default' && metadata.name === 'kubernetes');
  });
  // The namespace's own Service of a name wins.
  const ordered = wanted.toSorted((a, b) => Number(a.metadata.namespace === pod.namespace) - Number(b.metadata.namespace === pod.namespace));
  return new Map(ordered.flatMap(variables));
}

function variables({ metadata, spec }: Stored<Service>): [string, string][] {
  const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
  const host = spec?.clusterIP ?? '';
  const address = host.includes(':') ? `[${host}]` : host;
  const ports = spec?.ports ?? [];
  const [first] = ports;
  if (!first) return [];
  return [
    [`${prefix}_SERVICE_HOST`, host],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.filter(({ name }) => name).map(({ name, port }): [string, string] => [`${prefix}_SERVICE_PORT_${(name ?? '').toUpperCase().replaceAll('-', '_')}`, String(port)]),
    [`${prefix}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${address}:${first.port}`],
    ...ports.flatMap(({ port, protocol = 'TCP' }): [string, string][] => {
      const own = `${prefix}_PORT_${port}_${protocol}`;
      return [
        [own, `${protocol.toLowerCase()}://${address}:${port}`],
        [`${own}_PROTO`, protocol.toLowerCase()],
        [`${own}_PORT`, String(port)],
        [`${own}_ADDR`, host],
      ];
    }),
  ];
}
