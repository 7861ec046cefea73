/** IngressClasses, IPAddresses and ServiceCIDRs. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { IPAddress, IngressClass, ServiceCIDR } from '../../types/networking.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { dnsLabel, dnsSubdomain, pathSegment } from '../shared/formats.ts';
import { canonicalAddress, checkCidr, parseAddress, parseCidr } from '../shared/ip-address.ts';
import { IMMUTABLE_WORDS, immutable } from '../shared/object-meta.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';

const SPEC = Path.of('spec');
const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class';

export const ingressclass = rulesFor<IngressClass>({
  updates: 'changes, then all',
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  strategy: splitStrategy<IngressClass>({
    noStatus: true,
    generation: ['spec'],
    validate: checkClass,
    validateUpdate: (object, old) => immutable(object.spec?.controller ?? '', old.spec?.controller ?? '', SPEC.child('controller')),
  }),
  columns: [
    {
      ...text<IngressClass>('Name', ({ metadata }) => `${metadata.name ?? ''}${metadata.annotations?.[DEFAULT_CLASS] === 'true' ? ' (default)' : ''}`),
      format: 'name',
    },
    text('Controller', (object) => object.spec?.controller ?? ''),
    text('Parameters', ({ spec }) => {
      const reference = spec?.parameters;
      return reference ? `${reference.kind}${reference.apiGroup === undefined ? '' : `.${reference.apiGroup}`}/${reference.name}` : '<none>';
    }),
    AGE,
  ],
});

const SCOPES = ['Cluster', 'Namespace'];
const CONTROLLER_LIMIT = 250;
const DOMAIN_PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function checkClass({ spec }: IngressClass): FieldError[] {
  const controller = spec?.controller ?? '';
  const field = SPEC.child('controller');
  const errors: FieldError[] = [];
  if (controller.length > CONTROLLER_LIMIT) errors.push({ type: 'FieldValueTooLong', field: field.text, message: `Too long: may not be more than ${CONTROLLER_LIMIT} bytes` });
  const slash = controller.indexOf('/');
  if (controller === '') errors.push(required(field));
  else if (slash <= 0 || slash === controller.length - 1 || !DOMAIN_PATH.test(controller.slice(slash + 1))) {
    errors.push(invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else errors.push(...dnsSubdomain(controller.slice(0, slash)).map((why) => invalid(field, controller.slice(0, slash), why)));
  const reference = spec?.parameters;
  if (!reference) return errors;
  const path = SPEC.child('parameters');
  if (reference.apiGroup !== undefined) errors.push(...dnsSubdomain(reference.apiGroup).map((why) => invalid(path.child('apiGroup'), reference.apiGroup, why)));
  for (const name of ['kind', 'name'] as const) {
    if (!reference[name]) errors.push(required(path.child(name)));
    else errors.push(...pathSegment(reference[name], false).map((why) => invalid(path.child(name), reference[name], why)));
  }
  const { scope, namespace } = reference;
  if (scope === undefined) return [...errors, required(path.child('scope'))];
  if (!SCOPES.includes(scope)) return [...errors, notSupported(path.child('scope'), scope, SCOPES, 'plain')];
  if (scope === 'Namespace') {
    const here = path.child('namespace');
    errors.push(...(namespace === undefined ? [required(here, "`parameters.scope` is set to 'Namespace'")] : dnsLabel(namespace).map((why) => invalid(here, namespace, why))));
  }
  if (scope === 'Cluster' && namespace !== undefined) errors.push(forbiddenField(path.child('namespace'), "`parameters.scope` is set to 'Cluster'"));
  return errors;
}

export const ipaddress = rulesFor<IPAddress>({
  updates: 'all, then changes',
  strategy: {
    validateName(name) {
      const address = parseAddress(name);
      if (!address) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
      if (address.leadingZeros) return ['must not have leading 0s'];
      return canonicalAddress(address) === name ? [] : [`must be in canonical form ("${canonicalAddress(address)}")`];
    },
    validate({ spec }) {
      const reference = spec?.parentRef;
      const path = SPEC.child('parentRef');
      if (!reference) return [required(path)];
      const { group, namespace } = reference;
      const segment = (name: 'resource' | 'name' | 'namespace', text: string): FieldError[] => pathSegment(text, false).map((why) => invalid(path.child(name), text, why));
      return [
        ...(group ? dnsSubdomain(group).map((why) => invalid(path.child('group'), group, why)) : []),
        ...(['resource', 'name'] as const).flatMap((name) => (reference[name] ? segment(name, reference[name]) : [required(path.child(name))])),
        ...(namespace ? segment('namespace', namespace) : []),
      ];
    },
    validateUpdate: (object, old) => immutable(object.spec?.parentRef, old.spec?.parentRef, SPEC.child('parentRef'), 'ParentReference'),
  },
  columns: [
    NAME,
    text('ParentRef', ({ spec }) => {
      const reference = spec?.parentRef;
      if (!reference) return '<none>';
      const resource = `${reference.resource}${reference.group ? `.${reference.group}` : ''}`.toLowerCase();
      return [resource, reference.namespace, reference.name].filter((part) => part).join('/');
    }),
  ],
});

export const servicecidr = rulesFor<ServiceCIDR>({
  strategy: splitStrategy<ServiceCIDR>({
    statusKeeps: ALL_METADATA,
    validate: checkRanges,
    validateUpdate: rangesKept,
  }),
  columns: [NAME, text('CIDRs', (object) => (object.spec?.cidrs ?? []).join(',')), AGE],
});

/** A second family may be added. */
function rangesKept(object: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const path = SPEC.child('cidrs');
  const [now, before] = [object.spec?.cidrs ?? [], old.spec?.cidrs ?? []];
  const added = before.length === 1 && now.length === 2;
  if (now.length !== before.length && !added) return [invalid(path, object.spec?.cidrs, IMMUTABLE_WORDS)];
  const changed = before.flatMap((cidr, at) => (cidr === now[at] ? [] : [invalid(path.index(at), now[at], IMMUTABLE_WORDS)]));
  return added ? [...changed, ...checkRanges(object)] : changed;
}

function checkRanges({ spec }: ServiceCIDR): FieldError[] {
  const path = SPEC.child('cidrs');
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(path, { CIDRs: cidrs }, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, at) => checkCidr(path.index(at), cidr));
  const families = cidrs.map((cidr) => parseCidr(cidr)?.address.bytes.length);
  return cidrs.length === 2 && families[0] === families[1] && families[0] !== undefined ? [...errors, invalid(path, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')] : errors;
}
