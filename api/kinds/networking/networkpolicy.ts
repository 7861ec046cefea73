/** NetworkPolicies. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from '../../types/networking.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, selectorCell, text } from '../shared/columns.ts';
import { portName, portNumber } from '../shared/formats.ts';
import { checkLegacyCidr, isStrictlyWithin, parseCidr } from '../shared/ip-address.ts';
import { type SelectorRules, checkLabelSelector, hasInvalidValues } from '../shared/label-selector.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

const SPEC = Path.of('spec');
const DIRECTIONS = ['Ingress', 'Egress'];
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

interface Before extends SelectorRules {
  /** Ranges that stood there before may stay. */
  readonly cidrs: readonly string[];
}

export const networkpolicy = rulesFor<NetworkPolicy>({
  defaults({ spec }) {
    if (!spec) return;
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports ?? []) port.protocol ??= 'TCP';
    }
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  strategy: splitStrategy<NetworkPolicy>({
    noStatus: true,
    generation: ['spec'],
    exactGeneration: true,
    validate: ({ spec }) => (spec ? checkSpec(spec, { cidrs: [] }) : []),
    validateUpdate({ spec }, old) {
      return spec ? checkSpec(spec, { cidrs: rangesOf(old), allowInvalidValues: hasInvalidValues(old.spec?.podSelector) }) : [];
    },
  }),
  columns: [NAME, text('Pod-Selector', (object) => selectorCell(object.spec?.podSelector)), AGE],
});

function rangesOf({ spec }: NetworkPolicy): string[] {
  const peers = [...(spec?.ingress ?? []).flatMap(({ from }) => from ?? []), ...(spec?.egress ?? []).flatMap(({ to }) => to ?? [])];
  return peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));
}

function checkSpec({ podSelector, ingress = [], egress = [], policyTypes = [] }: NetworkPolicySpec, before: Before): FieldError[] {
  const errors = checkLabelSelector(podSelector, SPEC.child('podSelector'), before);
  for (const [at, { ports = [], from = [] }] of ingress.entries()) errors.push(...checkRule(ports, from, 'from', SPEC.child('ingress').index(at), before));
  for (const [at, { ports = [], to = [] }] of egress.entries()) errors.push(...checkRule(ports, to, 'to', SPEC.child('egress').index(at), before));
  const path = SPEC.child('policyTypes');
  if (policyTypes.length > DIRECTIONS.length) return [...errors, invalid(path, policyTypes, 'may not specify more than two policyTypes')];
  const wrong = [...policyTypes.entries()].filter(([, type]) => !DIRECTIONS.includes(type));
  return [...errors, ...wrong.map(([at, type]) => notSupported(path.index(at), type, DIRECTIONS))];
}

function checkRule(ports: readonly NetworkPolicyPort[], peers: readonly NetworkPolicyPeer[], side: 'from' | 'to', path: Path, before: Before): FieldError[] {
  return [
    ...ports.flatMap((port, at) => checkPort(port, path.child('ports').index(at))),
    ...peers.flatMap((peer, at) => checkPeer(peer, path.child(side).index(at), before)),
  ];
}

function checkPort({ protocol, port, endPort }: NetworkPolicyPort, path: Path): FieldError[] {
  const end = path.child('endPort');
  const errors: FieldError[] = [];
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  if (port === undefined) return endPort === undefined ? errors : [...errors, invalid(end, endPort, 'may not be specified when `port` is not specified')];
  if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'));
    return [...errors, ...portName(port).map((why) => invalid(path.child('port'), port, why))];
  }
  errors.push(...portNumber(port).map((why) => invalid(path.child('port'), port, why)));
  if (endPort === undefined) return errors;
  if (endPort < port) errors.push(invalid(end, port, 'must be greater than or equal to `port`'));
  return [...errors, ...portNumber(endPort).map((why) => invalid(end, endPort, why))];
}

function checkPeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: Path, before: Before): FieldError[] {
  const errors: FieldError[] = [];
  if (podSelector) errors.push(...checkLabelSelector(podSelector, path.child('podSelector'), before));
  if (namespaceSelector) errors.push(...checkLabelSelector(namespaceSelector, path.child('namespaceSelector'), before));
  if (!ipBlock) return podSelector || namespaceSelector ? errors : [...errors, required(path, 'must specify a peer')];
  errors.push(...checkBlock(ipBlock, path.child('ipBlock'), before.cidrs));
  return podSelector || namespaceSelector ? [...errors, forbiddenField(path, 'may not specify both ipBlock and another peer')] : errors;
}

function checkBlock({ cidr, except = [] }: IPBlock, path: Path, before: readonly string[]): FieldError[] {
  const here = path.child('cidr');
  if (!cidr) return [required(here)];
  const errors = checkLegacyCidr(here, cidr, before);
  const whole = parseCidr(cidr);
  if (!whole) return errors;
  for (const [at, part] of except.entries()) {
    const field = path.child('except').index(at);
    errors.push(...checkLegacyCidr(field, part, before));
    const range = parseCidr(part);
    if (range && !isStrictlyWithin(range, whole)) errors.push(invalid(field, part, 'must be a strict subset of `cidr`'));
  }
  return errors;
}
