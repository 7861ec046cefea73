/** The rules for Ingresses. */
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressLoadBalancerIngress, IngressRule, IngressSpec, IngressTLS } from '../../types/networking.v1.ts';
import { dnsLabel, dnsSubdomain, pathSegment, portName, portNumber, wildcardDnsSubdomain } from '../shared/formats.ts';
import { checkLegacyAddress, parseAddress } from '../shared/ip-address.ts';
import { isDnsSubdomain } from '../shared/text-rules.ts';

const OLD_CLASS = 'kubernetes.io/ingress.class';
const SPEC = Path.of('spec');
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const WRONG_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const WRONG_ENDS = ['/..', '/.'];

export function validateIngress(ingress: Ingress): FieldError[] {
  const annotated = ingress.metadata.annotations?.[OLD_CLASS];
  const named = ingress.spec?.ingressClassName;
  const errors = checkSpec(ingress.spec ?? {});
  if (annotated !== undefined && named !== undefined && annotated !== named) {
    errors.push(invalid(Path.of('annotations').child(OLD_CLASS), annotated, 'must match `ingressClassName` when both are specified'));
  }
  return errors;
}

export function validateIngressUpdate({ spec }: Ingress): FieldError[] {
  return checkSpec(spec ?? {});
}

export function validateIngressStatus({ status }: Ingress, old: Ingress): FieldError[] {
  const path = Path.of('status', 'loadBalancer', 'ingress');
  const before = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return (status?.loadBalancer?.ingress ?? []).flatMap((entry, at) => checkEntry(entry, before, path.index(at)));
}

function checkEntry({ ip, hostname }: IngressLoadBalancerIngress, before: readonly string[], path: Path): FieldError[] {
  const errors = ip ? checkLegacyAddress(path.child('ip'), ip, before) : [];
  if (!hostname) return errors;
  const here = path.child('hostname');
  errors.push(...dnsSubdomain(hostname).map((why) => invalid(here, hostname, why)));
  return parseAddress(hostname) ? [...errors, invalid(here, hostname, 'must be a DNS name, not an IP address')] : errors;
}

function checkSpec(spec: IngressSpec): FieldError[] {
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend) errors.push(invalid(SPEC, spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend) errors.push(...checkBackend(defaultBackend, SPEC.child('defaultBackend')));
  errors.push(...rules.flatMap((rule, at) => checkRule(rule, SPEC.child('rules').index(at))));
  errors.push(...tls.flatMap((entry, at) => checkTls(entry, SPEC.child('tls').index(at))));
  return ingressClassName === undefined ? errors : [...errors, ...isDnsSubdomain(ingressClassName, SPEC.child('ingressClassName'))];
}

function checkTls({ hosts = [], secretName }: IngressTLS, path: Path): FieldError[] {
  const errors = hosts.flatMap((host, at) => hostWrong(host).map((why) => invalid(path.child('hosts').index(at), host, why)));
  return secretName ? [...errors, ...isDnsSubdomain(secretName, path.child('secretName'))] : errors;
}

function hostWrong(host: string): string[] {
  return host.includes('*') ? wildcardDnsSubdomain(host) : dnsSubdomain(host);
}

function checkRule({ host, http }: IngressRule, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (host) {
    const here = path.child('host');
    if (parseAddress(host)) errors.push(invalid(here, host, 'must be a DNS name, not an IP address'));
    errors.push(...hostWrong(host).map((why) => invalid(here, host, why)));
  }
  if (!http) return errors;
  const paths = path.child('http', 'paths');
  if (!http.paths?.length) return [...errors, required(paths)];
  return [...errors, ...http.paths.flatMap((route, at) => checkRoute(route, paths.index(at)))];
}

function checkRoute({ path: route = '', pathType, backend }: HTTPIngressPath, path: Path): FieldError[] {
  if ((pathType ?? undefined) === undefined) return [required(path.child('pathType'), 'pathType must be specified')];
  const here = path.child('path');
  const errors: FieldError[] = [];
  if (!PATH_TYPES.includes(pathType)) errors.push(notSupported(path.child('pathType'), pathType, PATH_TYPES));
  else if (pathType === 'ImplementationSpecific') {
    if (route !== '' && !route.startsWith('/')) errors.push(invalid(here, route, 'must be an absolute path'));
  } else errors.push(...checkAbsolute(route, here));
  return [...errors, ...checkBackend(backend, path.child('backend'))];
}

function checkAbsolute(route: string, path: Path): FieldError[] {
  const wrong = route.startsWith('/') ? [] : ['must be an absolute path'];
  if (route !== '') {
    wrong.push(...WRONG_SEQUENCES.filter((sequence) => route.includes(sequence)).map((sequence) => `must not contain '${sequence}'`));
    wrong.push(...WRONG_ENDS.filter((end) => route.endsWith(end)).map((end) => `cannot end with '${end}'`));
  }
  return wrong.map((why) => invalid(path, route, why));
}

function checkBackend({ service, resource }: IngressBackend, path: Path): FieldError[] {
  if (service && resource) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (resource) return checkResource(resource, path.child('resource'));
  if (!service) return [invalid(path, '', 'resource or service backend is required')];
  const here = path.child('service');
  const { name, port } = service;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(here.child('name')));
  else errors.push(...dnsLabel(name).map((why) => invalid(here.child('name'), name, why)));
  return [...errors, ...checkPort(port?.name ?? '', port?.number ?? 0, path)];
}

function checkPort(name: string, number: number, path: Path): FieldError[] {
  if (name !== '' && number !== 0) return [invalid(path, '', 'cannot set both port name & port number')];
  if (name !== '') return portName(name).map((why) => invalid(path.child('service', 'port', 'name'), name, why));
  if (number !== 0) return portNumber(number).map((why) => invalid(path.child('service', 'port', 'number'), number, why));
  return [required(path, 'port name or number is required')];
}

function checkResource({ apiGroup, kind, name }: NonNullable<IngressBackend['resource']>, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== undefined && apiGroup !== null) errors.push(...dnsSubdomain(apiGroup).map((why) => invalid(path.child('apiGroup'), apiGroup, why)));
  for (const [field, value] of [['kind', kind], ['name', name]] as const) {
    if (!value) errors.push(required(path.child(field)));
    else errors.push(...pathSegment(value, false).map((why) => invalid(path.child(field), value, why)));
  }
  return errors;
}
