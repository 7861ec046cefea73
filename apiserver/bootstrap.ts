/** What a server loads before it is ready, and what every cluster has from its first start on. */
import * as resources from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import { ensureBootstrap } from './auth/bootstrap.ts';
import type { Core } from './core.ts';

/** Caches that stand on the path of requests, where nobody can wait for them. */
const NEEDED: readonly ResourceRef<unknown>[] = [
  resources.clusterroles, resources.clusterrolebindings, resources.roles, resources.rolebindings, resources.namespaces, resources.priorityclasses,
  resources.flowschemas, resources.prioritylevelconfigurations, resources.serviceaccounts, resources.limitranges, resources.resourcequotas,
  resources.mutatingwebhookconfigurations, resources.validatingwebhookconfigurations, resources.mutatingadmissionpolicies, resources.mutatingadmissionpolicybindings,
  resources.validatingadmissionpolicies, resources.validatingadmissionpolicybindings, resources.nodes, resources.services, resources.endpointslices,
  resources.storageclasses, resources.ingressclasses, resources.runtimeclasses, resources.csidrivers,
];

export async function loadNeeded({ registry }: Core): Promise<void> {
  await Promise.all(NEEDED.map(({ group, resource }) => registry.hub(group, resource)?.cache.ready()));
}

export async function bootstrap({ reader, writer }: Core): Promise<void> {
  await ensureBootstrap(reader, writer);
}
