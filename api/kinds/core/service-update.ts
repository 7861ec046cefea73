/** What a Service loses when it changes its type and the client left the old type's values as they were. */
import type { Service, ServiceSpec } from '../../types/core.v1.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isExternallyAccessible } from './service-defaults.ts';

export function dropWhatTheTypeLacks(service: Service, old: Service): void {
  const spec = service.spec;
  const before = old.spec;
  if (!spec || !before) return;
  const lost = (needs: (spec: ServiceSpec) => boolean): boolean => needs(before) && !needs(spec);
  if (lost(needsClusterIP)) {
    if (same(spec, before, 'clusterIP') && same(spec, before, 'clusterIPs')) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    dropIfSame(spec, before, 'ipFamilies');
    dropIfSame(spec, before, 'ipFamilyPolicy');
  }
  if (lost(needsNodePorts) && nodePorts(spec).every((port) => nodePorts(before).includes(port))) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (lost(needsHealthCheckPort)) dropIfSame(spec, before, 'healthCheckNodePort');
  if (lost(isLoadBalancer)) {
    dropIfSame(spec, before, 'allocateLoadBalancerNodePorts');
    dropIfSame(spec, before, 'loadBalancerClass');
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(service)) dropIfSame(spec, before, 'externalTrafficPolicy');
  if (!isLoadBalancer(spec) && service.status) service.status = { ...service.status, loadBalancer: {} };
}

export function needsClusterIP(spec: ServiceSpec): boolean {
  return spec.type !== 'ExternalName';
}

export function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return isLoadBalancer(spec) && spec.externalTrafficPolicy === 'Local';
}

function isLoadBalancer(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer';
}

function nodePorts(spec: ServiceSpec): number[] {
  return (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));
}

function same(spec: ServiceSpec, before: ServiceSpec, field: keyof ServiceSpec): boolean {
  return semanticEqual(spec[field], before[field]);
}

function dropIfSame(spec: ServiceSpec, before: ServiceSpec, field: keyof ServiceSpec): void {
  if (same(spec, before, field)) delete spec[field];
}
