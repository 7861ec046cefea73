/** Ingresses. */
import type { Ingress } from '../../types/networking.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateIngress, validateIngressStatus, validateIngressUpdate } from './ingress-rules.ts';

const OLD_CLASS = 'kubernetes.io/ingress.class';
const SHOWN = 3;

export const ingress = rulesFor<Ingress>({
  metadataChecks: { '': 2 },
  storagePath: 'ingress',
  strategy: splitStrategy<Ingress>({
    generation: ['spec'],
    validate: validateIngress,
    validateUpdate: validateIngressUpdate,
    validateStatus: validateIngressStatus,
    warnings(object, old) {
      const onlyAnnotated = object.metadata.annotations?.[OLD_CLASS] !== undefined && object.spec?.ingressClassName === undefined;
      return !old && onlyAnnotated ? [`annotation "${OLD_CLASS}" is deprecated, please use 'spec.ingressClassName' instead`] : [];
    },
  }),
  columns: [
    NAME,
    text('Class', (object) => object.spec?.ingressClassName ?? '<none>'),
    text('Hosts', showHosts),
    text('Address', ({ status }) => {
      const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',');
    }),
    text('Ports', (object) => (object.spec?.tls?.length ? '80, 443' : '80')),
    AGE,
  ],
});

function showHosts({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (hosts.length === SHOWN) more = true;
    if (!more && host) hosts.push(host);
  }
  if (hosts.length === 0) return '*';
  return more ? `${hosts.join(',')} + ${rules.length - SHOWN} more...` : hosts.join(',');
}
