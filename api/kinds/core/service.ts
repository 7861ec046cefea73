/** Services. Addresses and node ports are given out by the server, not here. */
import type { Service, ServicePort } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, labelsCell, text, wide } from '../shared/columns.ts';
import { nameIsLabel } from '../shared/names.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { defaultService, hideTrafficPolicy } from './service-defaults.ts';
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-rules.ts';
import { dropWhatTheTypeLacks } from './service-update.ts';
import { serviceWarnings } from './service-warnings.ts';

export const service = rulesFor<Service>({
  storagePath: 'services/specs',
  defaults: defaultService,
  strategy: splitStrategy<Service>({
    createOnUpdate: true,
    validateName: nameIsLabel,
    prepareForCreate: hideTrafficPolicy,
    prepareForUpdate(object, old) {
      dropWhatTheTypeLacks(object, old);
      hideTrafficPolicy(object);
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    validateStatus: validateServiceStatus,
    warnings: serviceWarnings,
  }),
  columns: [
    NAME,
    text('Type', (object) => object.spec?.type ?? ''),
    text('Cluster-IP', (object) => object.spec?.clusterIPs?.[0] ?? '<none>'),
    text('External-IP', showExternal),
    text('Port(s)', (object) => (object.spec?.ports ?? []).map(showPort).join(',') || '<none>'),
    AGE,
    wide('Selector', (object) => labelsCell(object.spec?.selector)),
  ],
  selectableFields: {
    'spec.clusterIP': (object) => object.spec?.clusterIP ?? '',
    'spec.type': (object) => object.spec?.type ?? '',
  },
});

function showExternal(object: Service): string {
  const external = object.spec?.externalIPs ?? [];
  switch (object.spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer': {
      const ingress = (object.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      return [...[...new Set(ingress.filter((address) => address !== ''))].sort(), ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return object.spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function showPort({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}
