/** What a server warns of in Services. */
import { Path } from '../../field-error.ts';
import type { Service } from '../../types/core.v1.ts';
import { addressWarnings, cidrWarnings } from '../shared/ip-address.ts';
import { isHeadless } from './service-address-rules.ts';

const SPEC = Path.of('spec');
const OLD_HINTS = 'service.kubernetes.io/topology-aware-hints';

export function serviceWarnings(service: Service): string[] {
  const spec = service.spec ?? {};
  const headless = isHeadless(spec);
  const external = spec.externalIPs ?? [];
  const isName = spec.type === 'ExternalName';
  const hasAddress = spec.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None';
  return [
    ...when(service.metadata.annotations?.[OLD_HINTS] !== undefined, `annotation ${OLD_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`),
    ...(hasAddress ? (spec.clusterIPs ?? []).flatMap((ip, at) => addressWarnings(SPEC.child('clusterIPs').index(at), ip)) : []),
    ...when(headless && Boolean(spec.loadBalancerIP), 'spec.loadBalancerIP is ignored for headless services'),
    ...when(headless && external.length > 0, 'spec.externalIPs is ignored for headless services'),
    ...when(headless && spec.sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'),
    ...external.flatMap((ip, at) => addressWarnings(SPEC.child('externalIPs').index(at), ip)),
    ...when(external.length > 0 && !headless && !isName, 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'),
    ...(spec.loadBalancerIP ? addressWarnings(SPEC.child('loadBalancerIP'), spec.loadBalancerIP) : []),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, at) => cidrWarnings(SPEC.child('loadBalancerSourceRanges').index(at), range)),
    ...when(isName && external.length > 0, 'spec.externalIPs is ignored when spec.type is "ExternalName"'),
    ...when(!isName && Boolean(spec.externalName), 'spec.externalName is ignored when spec.type is not "ExternalName"'),
    ...when(spec.trafficDistribution === 'PreferClose', 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'),
  ];
}

function when(condition: boolean, warning: string): string[] {
  return condition ? [warning] : [];
}
