/** The rules for Services. Addresses and ports have been given out before. */
import { Named, type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { LoadBalancerStatus, Service, ServicePort, ServiceSpec } from '../../types/core.v1.ts';
import { portNumber } from '../shared/formats.ts';
import { checkLegacyAddress, checkLegacyCidr, checkNotSpecial, parseAddress } from '../shared/ip-address.ts';
import { checkLabels } from '../shared/object-meta.ts';
import { checkPortNumberOrName } from '../shared/probe-rules.ts';
import { isDnsLabel, isDnsSubdomain, isQualifiedName } from '../shared/text-rules.ts';
import { checkAddressChanges, checkAddresses, isHeadless } from './service-address-rules.ts';
import { isExternallyAccessible } from './service-defaults.ts';
import { needsHealthCheckPort } from './service-update.ts';

const SPEC = Path.of('spec');
const PORTS = SPEC.child('ports');
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const POLICIES = ['Cluster', 'Local'];

export function validateService(service: Service): FieldError[] {
  return checkService(service, undefined);
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = checkAddressChanges(service, old);
  const [spec, before] = [service.spec ?? {}, old.spec ?? {}];
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' && spec.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(invalid(SPEC.child('loadBalancerClass'), spec.loadBalancerClass ?? null, 'may not change once set'));
  }
  errors.push(...checkLoadBalancerClass(spec));
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && spec.healthCheckNodePort !== before.healthCheckNodePort) {
    errors.push(forbiddenField(SPEC.child('healthCheckNodePort'), 'field is immutable'));
  }
  return [...errors, ...checkService(service, old)];
}

const IP_MODES = ['Proxy', 'VIP'];

export function validateServiceStatus(service: Service, old: Service): FieldError[] {
  return checkLoadBalancerStatus(service.status?.loadBalancer, old.status?.loadBalancer, service.spec?.type === 'LoadBalancer');
}

function checkLoadBalancerStatus(status: LoadBalancerStatus | undefined, old: LoadBalancerStatus | undefined, allowed: boolean): FieldError[] {
  const path = Path.of('status', 'loadBalancer', 'ingress');
  const ingress = status?.ingress ?? [];
  if (!allowed) return ingress.length === 0 ? [] : [forbiddenField(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const before = (old?.ingress ?? []).map(({ ip }) => ip ?? '');
  return ingress.flatMap(({ ip, ipMode, hostname }, at) => {
    const here = path.index(at);
    const errors = ip ? checkLegacyAddress(here.child('ip'), ip, before) : [];
    if (ipMode === undefined) {
      if (ip) errors.push(required(here.child('ipMode'), 'must be specified when `ip` is set'));
    } else if (!ip) errors.push(forbiddenField(here.child('ipMode'), 'may not be specified when `ip` is not set'));
    else if (!IP_MODES.includes(ipMode)) errors.push(notSupported(here.child('ipMode'), ipMode, IP_MODES));
    if (!hostname) return errors;
    errors.push(...isDnsSubdomain(hostname, here.child('hostname')));
    return parseAddress(hostname) ? [...errors, invalid(here.child('hostname'), hostname, 'must be a DNS name, not an IP address')] : errors;
  });
}

function checkService(service: Service, old: Service | undefined): FieldError[] {
  const spec = service.spec ?? {};
  const ports = spec.ports ?? [];
  const headless = isHeadless(spec);
  const errors = checkTopologyAnnotations(service);
  if (ports.length === 0 && !headless && spec.type !== 'ExternalName') errors.push(required(PORTS));
  errors.push(...checkTypeParts(spec, headless));
  const names = new Set<string>();
  errors.push(...ports.flatMap((port, at) => checkPort(port, { needsName: ports.length > 1, names, path: PORTS.index(at) })));
  return [
    ...errors,
    ...checkLabels(spec.selector, SPEC.child('selector')),
    ...checkAffinity(spec),
    ...checkAddresses(spec, old?.spec),
    ...checkExternalAddresses(spec, old?.spec),
    ...checkType(spec),
    ...checkNodePorts(ports, spec.type === 'ClusterIP'),
    ...checkDistinct(ports),
    ...checkSourceRanges(service, old),
    ...checkNodePortAllocation(spec),
    ...checkLoadBalancerClass(spec),
    ...checkExternalTraffic(service, spec),
    ...checkInternalTraffic(spec),
    ...checkDistribution(spec),
  ];
}

const OLD_HINTS = 'service.kubernetes.io/topology-aware-hints';
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';

function checkTopologyAnnotations(service: Service): FieldError[] {
  const hints = service.metadata.annotations?.[OLD_HINTS];
  const mode = service.metadata.annotations?.[TOPOLOGY_MODE];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const field = Path.of('metadata', 'annotations').key(TOPOLOGY_MODE);
  return [invalid(field, mode, `must match annotations[${OLD_HINTS}] when both are specified`)];
}

function checkTypeParts(spec: ServiceSpec, headless: boolean): FieldError[] {
  const { type } = spec;
  if (type === 'LoadBalancer' || type === 'NodePort') {
    const first = SPEC.child('clusterIPs').index(0);
    return headless ? [invalid(first, spec.clusterIPs?.[0], `may not be set to 'None' for ${type} services`)] : [];
  }
  if (type !== 'ExternalName') return [];
  const errors: FieldError[] = [];
  const why = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) errors.push(forbiddenField(SPEC.child('clusterIPs'), why));
  if (spec.ipFamilies?.length) errors.push(forbiddenField(SPEC.child('ipFamilies'), why));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbiddenField(SPEC.child('ipFamilyPolicy'), why));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  return [...errors, ...(name ? isDnsSubdomain(name, SPEC.child('externalName')) : [required(SPEC.child('externalName'))])];
}

interface PortSurroundings {
  readonly needsName: boolean;
  readonly names: Set<string>;
  readonly path: Path;
}

function checkPort(port: ServicePort, { needsName, names, path }: PortSurroundings): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) {
    errors.push(...isDnsLabel(port.name, path.child('name')));
    if (names.has(port.name)) errors.push(duplicate(path.child('name'), port.name));
    names.add(port.name);
  } else if (needsName) errors.push(required(path.child('name')));
  errors.push(...portNumber(port.port).map((why) => invalid(path.child('port'), port.port, why)));
  if (!port.protocol) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(path.child('protocol'), port.protocol, PROTOCOLS));
  errors.push(...checkPortNumberOrName(port.targetPort ?? 0, path.child('targetPort')));
  return port.appProtocol === undefined ? errors : [...errors, ...isQualifiedName(port.appProtocol, path.child('appProtocol'))];
}

const AFFINITY_LIMIT_SECONDS = 86400;

function checkAffinity(spec: ServiceSpec): FieldError[] {
  const affinity = spec.sessionAffinity ?? '';
  const path = SPEC.child('sessionAffinityConfig');
  if (affinity === '') return [required(SPEC.child('sessionAffinity'))];
  if (affinity === 'None') return spec.sessionAffinityConfig ? [forbiddenField(path, 'must not be set when session affinity is None')] : [];
  if (affinity !== 'ClientIP') return [notSupported(SPEC.child('sessionAffinity'), affinity, ['ClientIP', 'None'])];
  const why = 'when session affinity type is ClientIP';
  if (!spec.sessionAffinityConfig) return [required(path, why)];
  const client = spec.sessionAffinityConfig.clientIP;
  if (!client) return [required(path.child('clientIP'), why)];
  const seconds = client.timeoutSeconds;
  const field = path.child('clientIP', 'timeoutSeconds');
  if (seconds === undefined) return [required(field, why)];
  const inside = seconds > 0 && seconds <= AFFINITY_LIMIT_SECONDS;
  return inside ? [] : [invalid(field, seconds, `must be greater than 0 and less than ${AFFINITY_LIMIT_SECONDS}`)];
}

function checkExternalAddresses(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, at) => {
    const field = SPEC.child('externalIPs').index(at);
    const wrong = checkLegacyAddress(field, ip, old?.externalIPs ?? []);
    return wrong.length > 0 ? wrong : checkNotSpecial(field, ip);
  });
}

function checkType({ type = '' as never }: ServiceSpec): FieldError[] {
  if ((type as string) === '') return [required(SPEC.child('type'))];
  return TYPES.includes(type) ? [] : [notSupported(SPEC.child('type'), type, TYPES)];
}

function checkNodePorts(ports: readonly ServicePort[], isClusterIP: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  if (isClusterIP) {
    for (const [at, port] of ports.entries()) {
      if (port.nodePort) errors.push(forbiddenField(PORTS.index(at).child('nodePort'), "may not be used when `type` is 'ClusterIP'"));
    }
  }
  for (const [at, port] of ports.entries()) {
    if (!port.nodePort) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (taken.has(key)) errors.push(duplicate(PORTS.index(at).child('nodePort'), port.nodePort));
    taken.add(key);
  }
  return errors;
}

function checkDistinct(ports: readonly ServicePort[]): FieldError[] {
  return ports.flatMap(({ protocol, port }, at) => {
    const again = ports.slice(0, at).some((other) => other.protocol === protocol && other.port === port);
    const shown = { Name: '', Protocol: protocol ?? '', AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    return again ? [duplicate(PORTS.index(at), shown)] : [];
  });
}

const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function checkSourceRanges(service: Service, old: Service | undefined): FieldError[] {
  const ranges = service.spec?.loadBalancerSourceRanges ?? [];
  const annotation = service.metadata.annotations?.[SOURCE_RANGES];
  const why = "may only be used when `type` is 'LoadBalancer'";
  const misplaced = service.spec?.type !== 'LoadBalancer';
  if (ranges.length > 0) {
    const path = SPEC.child('LoadBalancerSourceRanges');
    const before = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    const errors = misplaced ? [forbiddenField(path, why)] : [];
    return [...errors, ...ranges.flatMap((range, at) => checkLegacyCidr(path.index(at), range.trim(), before))];
  }
  if (annotation === undefined) return [];
  const path = Path.of('metadata', 'annotations').key(SOURCE_RANGES);
  const errors = misplaced ? [forbiddenField(path, why)] : [];
  if (annotation.trim() === '' || old?.metadata.annotations?.[SOURCE_RANGES] === annotation) return errors;
  return [...errors, ...annotation.split(',').flatMap((range) => checkLegacyCidr(path, range.trim()))];
}

function checkNodePortAllocation(spec: ServiceSpec): FieldError[] {
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const allocates = spec.allocateLoadBalancerNodePorts;
  if (allocates !== undefined && !isLoadBalancer) {
    return [forbiddenField(SPEC.child('allocateLoadBalancerNodePorts'), "may only be used when `type` is 'LoadBalancer'")];
  }
  return isLoadBalancer && allocates === undefined ? [required(Path.of('allocateLoadBalancerNodePorts'))] : [];
}

function checkLoadBalancerClass(spec: ServiceSpec): FieldError[] {
  const name = spec.loadBalancerClass;
  const path = SPEC.child('loadBalancerClass');
  if (name === undefined) return [];
  return spec.type === 'LoadBalancer' ? isQualifiedName(name, path) : [forbiddenField(path, "may only be used when `type` is 'LoadBalancer'")];
}

function checkExternalTraffic(service: Service, spec: ServiceSpec): FieldError[] {
  const policy = spec.externalTrafficPolicy ?? '';
  const field = SPEC.child('externalTrafficPolicy');
  const errors: FieldError[] = [];
  if (!isExternallyAccessible(service)) {
    if (policy) errors.push(invalid(field, new Named(policy), 'may only be set for externally-accessible services'));
  } else if (policy === '') errors.push(required(field));
  else if (!POLICIES.includes(policy)) errors.push(notSupported(field, policy, POLICIES));
  const port = spec.healthCheckNodePort ?? 0;
  const portField = SPEC.child('healthCheckNodePort');
  if (needsHealthCheckPort(spec)) {
    if (port === 0) return [...errors, required(portField)];
    return [...errors, ...portNumber(port).map((why) => invalid(portField, port, why))];
  }
  if (port === 0) return errors;
  return [...errors, invalid(portField, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")];
}

function checkInternalTraffic(spec: ServiceSpec): FieldError[] {
  const policy = spec.internalTrafficPolicy;
  const field = SPEC.child('internalTrafficPolicy');
  if (policy !== undefined) return POLICIES.includes(policy) ? [] : [notSupported(field, policy, POLICIES)];
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' || spec.type === 'ClusterIP' ? [required(field)] : [];
}

const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

function checkDistribution({ trafficDistribution: distribution }: ServiceSpec): FieldError[] {
  if (distribution === undefined || DISTRIBUTIONS.includes(distribution)) return [];
  return [notSupported(SPEC.child('trafficDistribution'), distribution, DISTRIBUTIONS, 'plain')];
}
