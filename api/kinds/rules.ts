/** Which kinds have rules of their own, by `Kind` or `Kind.group`. */
import { controllerrevision } from './apps/controllerrevision.ts';
import { daemonset } from './apps/daemonset.ts';
import { deployment } from './apps/deployment.ts';
import { replicaset } from './apps/replicaset.ts';
import { statefulset } from './apps/statefulset.ts';
import { configmap } from './core/configmap.ts';
import { endpoints } from './core/endpoints.ts';
import { event } from './core/event.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { pod } from './core/pod.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { serviceaccount } from './core/serviceaccount.ts';
import { eventsEvent } from './events/event.ts';
import type { KindRules } from './kind-rules.ts';

export const KIND_RULES: Readonly<Record<string, KindRules>> = {
  ConfigMap: configmap,
  Endpoints: endpoints,
  Event: event,
  'Event.events.k8s.io': eventsEvent,
  Namespace: namespace,
  Node: node,
  Pod: pod,
  ReplicationController: { storagePath: 'controllers' },
  Secret: secret,
  Service: service,
  ServiceAccount: serviceaccount,
  'ControllerRevision.apps': controllerrevision,
  'DaemonSet.apps': daemonset,
  'Deployment.apps': deployment,
  'ReplicaSet.apps': replicaset,
  'StatefulSet.apps': statefulset,
  'APIService.apiregistration.k8s.io': { storagePath: 'apiregistration.k8s.io/apiservices' },
  'CustomResourceDefinition.apiextensions.k8s.io': { storagePath: 'apiextensions.k8s.io/customresourcedefinitions' },
  'Ingress.networking.k8s.io': { storagePath: 'ingress' },
};
