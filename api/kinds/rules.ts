/** Which kinds have rules of their own, by `Kind` or `Kind.group`. */
import type { KindRules } from './kind-rules.ts';

export const KIND_RULES: Readonly<Record<string, KindRules>> = {
  ReplicationController: { storagePath: 'controllers' },
  Endpoints: { storagePath: 'services/endpoints' },
  Node: { storagePath: 'minions' },
  Service: { storagePath: 'services/specs' },
  'Ingress.networking.k8s.io': { storagePath: 'ingress' },
  'APIService.apiregistration.k8s.io': { storagePath: 'apiregistration.k8s.io/apiservices' },
  'CustomResourceDefinition.apiextensions.k8s.io': { storagePath: 'apiextensions.k8s.io/customresourcedefinitions' },
};
