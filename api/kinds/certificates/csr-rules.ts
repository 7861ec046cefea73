/** The rules for CertificateSigningRequests. That a request is well signed is for signers to see: only its form is looked at. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import type { RuleContext } from '../../kind.ts';
import type { CertificateSigningRequest } from '../../types/certificates.v1.ts';
import { goQuote } from '../../go-quote.ts';
import { dnsLabel, dnsSubdomain } from '../shared/formats.ts';
import { requestProblem } from './asn1.ts';
import { isSequence, pemBlocks } from './pem.ts';

const SPEC = Path.of('spec');
const SHORTEST_SECONDS = 600;
const LABEL_LIMIT = 317;
const STATUSES = ['False', 'True', 'Unknown'];
const FOR_GOOD = ['Approved', 'Denied', 'Failed'];
const DECISIONS = ['Approved', 'Denied'];
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const USAGES = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature',
  'email protection', 'encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc',
  'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const SIGNER_WRONG = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

/** An object that already has what is wrong may keep it. */
export function validateRequest(object: CertificateSigningRequest, _context?: RuleContext, old?: CertificateSigningRequest): FieldError[] {
  const { request, usages = [], signerName, expirationSeconds } = object.spec;
  const path = SPEC.child('usages');
  const errors: FieldError[] = [];
  const unreadable = requestWrong(request ?? '');
  if (unreadable !== undefined) errors.push(invalid(SPEC.child('request'), request ?? null, unreadable));
  if (usages.length === 0) errors.push(required(path));
  const before = old?.spec.usages ?? [];
  if (before.every((usage) => USAGES.includes(usage))) {
    for (const [at, usage] of usages.entries()) if (!USAGES.includes(usage)) errors.push(notSupported(path.index(at), usage, USAGES));
  }
  if (new Set(before).size === before.length) {
    for (const [at, usage] of usages.entries()) if (usages.indexOf(usage) < at) errors.push(duplicate(path.index(at), usage));
  }
  const signer = SPEC.child('signerName');
  if (signerName === LEGACY_SIGNER && old?.spec.signerName !== LEGACY_SIGNER) {
    errors.push(invalid(signer, signerName, 'the legacy signerName is not allowed via this API version'));
  } else errors.push(...checkSigner(signerName ?? '', signer));
  if (expirationSeconds !== undefined && expirationSeconds < SHORTEST_SECONDS) {
    errors.push(invalid(SPEC.child('expirationSeconds'), expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  }
  errors.push(...checkConditions(object, old));
  const certificate = object.status?.certificate ?? '';
  const why = old && certificate === (old.status?.certificate ?? '') ? undefined : certificateWrong(certificate);
  return why === undefined ? errors : [...errors, invalid(Path.of('status', 'certificate'), '<certificate data>', why)];
}

/** The spec stays. Approvals are given through `approval`, certificates through `status`, and neither is taken back. */
export function validateRequestUpdate(object: CertificateSigningRequest, old: CertificateSigningRequest, context: RuleContext): FieldError[] {
  const { subresource } = context;
  const path = Path.of('status', 'conditions');
  const errors = validateRequest(object, context, old);
  for (const type of FOR_GOOD) {
    if (countOf(object, type) < countOf(old, type)) errors.push(forbiddenField(path, `updates may not remove a condition of type "${type}"`));
  }
  for (const type of subresource === 'approval' ? [] : DECISIONS) {
    if (countOf(object, type) > countOf(old, type)) errors.push(forbiddenField(path, `updates may not add a condition of type "${type}"`));
  }
  const [before, after] = [old.status?.certificate ?? '', object.status?.certificate ?? ''];
  if (before === after) return errors;
  const here = Path.of('status', 'certificate');
  if (subresource !== 'status') return [...errors, forbiddenField(here, 'updates may not set certificate content')];
  return before === '' ? errors : [...errors, forbiddenField(here, 'updates may not modify existing certificate content')];
}

function requestWrong(request: string): string | undefined {
  const [block] = pemBlocks(request);
  return block?.type === 'CERTIFICATE REQUEST' ? requestProblem(block.der) : 'PEM block type must be CERTIFICATE REQUEST';
}

function certificateWrong(certificate: string): string | undefined {
  if (certificate === '') return undefined;
  const blocks = pemBlocks(certificate);
  for (const { type, hasHeaders, der } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${goQuote(type)}`;
    if (hasHeaders) return 'no PEM block headers are permitted';
    if (der === '') return 'found CERTIFICATE PEM block containing 0 certificates';
    if (!isSequence(der)) return 'x509: malformed certificate';
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

function countOf({ status }: CertificateSigningRequest, wanted: string): number {
  return (status?.conditions ?? []).filter(({ type }) => type === wanted).length;
}

function checkSigner(name: string, path: Path): FieldError[] {
  if (name === '') return [required(path)];
  const [domain = '', label = '', ...more] = name.split('/');
  if (!name.includes('/') || more.length > 0) return [invalid(path, name, SIGNER_WRONG)];
  const errors = firstWrong(domain, dnsLabel, path);
  if (!domain.includes('.')) errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  errors.push(...firstWrong(label, dnsSubdomain, path));
  return label.length > LABEL_LIMIT ? [...errors, tooLong(path, LABEL_LIMIT)] : errors;
}

function firstWrong(text: string, rule: (part: string) => string[], path: Path): FieldError[] {
  for (const part of text.split('.')) {
    const wrong = rule(part);
    if (wrong.length > 0) return wrong.map((why) => invalid(path, text, `validating label ${JSON.stringify(part)}: ${why}`));
  }
  return [];
}

function checkConditions({ status }: CertificateSigningRequest, old: CertificateSigningRequest | undefined): FieldError[] {
  const path = Path.of('status', 'conditions');
  const before = (old?.status?.conditions ?? []).map(({ type }) => type as string);
  const bothAllowed = before.includes('Approved') && before.includes('Denied');
  const twiceAllowed = new Set(before).size < before.length;
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type, status: state }, at) => {
    const here = path.index(at);
    const allowed = FOR_GOOD.includes(type) ? ['True'] : STATUSES;
    const errors: FieldError[] = type || before.includes('') ? [] : [required(here.child('type'))];
    if (!state) errors.push(required(here.child('status')));
    else if (!allowed.includes(state)) errors.push(notSupported(here.child('status'), state, allowed));
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : '';
    if (!bothAllowed && other !== '' && seen.has(other)) errors.push(invalid(path, type, 'Approved and Denied conditions are mutually exclusive'));
    if (!twiceAllowed && seen.has(type)) errors.push(duplicate(here.child('type'), type));
    seen.add(type);
    return errors;
  });
}
