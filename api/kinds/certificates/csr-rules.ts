/** The rules for CertificateSigningRequests. That a request is well signed is for signers to see: only its envelope is looked at. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import type { RuleContext } from '../../kind.ts';
import type { CertificateSigningRequest } from '../../types/certificates.v1.ts';
import { fromBase64 } from '../shared/base64.ts';
import { dnsLabel, dnsSubdomain } from '../shared/formats.ts';

const SPEC = Path.of('spec');
const SHORTEST_SECONDS = 600;
const LABEL_LIMIT = 317;
const STATUSES = ['False', 'True', 'Unknown'];
const FOR_GOOD = ['Approved', 'Denied', 'Failed'];
const USAGES = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature',
  'email protection', 'encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc',
  'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const SIGNER_WRONG = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

export function validateRequest(object: CertificateSigningRequest): FieldError[] {
  const { request, usages = [], signerName, expirationSeconds } = object.spec;
  const path = SPEC.child('usages');
  const errors: FieldError[] = [];
  if (!/-----BEGIN CERTIFICATE REQUEST-----/.test(fromBase64(request ?? ''))) {
    errors.push(invalid(SPEC.child('request'), request || null, 'PEM block type must be CERTIFICATE REQUEST'));
  }
  if (usages.length === 0) errors.push(required(path));
  for (const [at, usage] of usages.entries()) if (!USAGES.includes(usage)) errors.push(notSupported(path.index(at), usage, USAGES));
  for (const [at, usage] of usages.entries()) if (usages.indexOf(usage) < at) errors.push(duplicate(path.index(at), usage));
  errors.push(...checkSigner(signerName ?? '', SPEC.child('signerName')));
  if (expirationSeconds !== undefined && expirationSeconds < SHORTEST_SECONDS) {
    errors.push(invalid(SPEC.child('expirationSeconds'), expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  }
  return [...errors, ...checkConditions(object)];
}

/** The spec stays. Approvals are given through `approval`, certificates through `status`, and neither is taken back. */
export function validateRequestUpdate(object: CertificateSigningRequest, old: CertificateSigningRequest, { subresource }: RuleContext): FieldError[] {
  const path = Path.of('status', 'conditions');
  const errors = checkConditions(object);
  for (const type of FOR_GOOD) {
    const [before, after] = [countOf(old, type), countOf(object, type)];
    if (after < before) errors.push(forbiddenField(path, `updates may not remove a condition of type "${type}"`));
    if (after > before && type !== 'Failed' && subresource !== 'approval') errors.push(forbiddenField(path, `updates may not add a condition of type "${type}"`));
  }
  const [before, after] = [old.status?.certificate ?? '', object.status?.certificate ?? ''];
  if (before === after) return errors;
  const here = Path.of('status', 'certificate');
  if (subresource !== 'status') return [...errors, forbiddenField(here, 'updates may not set certificate content')];
  return before === '' ? errors : [...errors, forbiddenField(here, 'updates may not modify existing certificate content')];
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

function checkConditions({ status }: CertificateSigningRequest): FieldError[] {
  const path = Path.of('status', 'conditions');
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type, status: state }, at) => {
    const here = path.index(at);
    const allowed = FOR_GOOD.includes(type) ? ['True'] : STATUSES;
    const errors: FieldError[] = type ? [] : [required(here.child('type'))];
    if (!state) errors.push(required(here.child('status')));
    else if (!allowed.includes(state)) errors.push(notSupported(here.child('status'), state, allowed));
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : '';
    if (other !== '' && seen.has(other)) errors.push(invalid(path, type, 'Approved and Denied conditions are mutually exclusive'));
    if (seen.has(type)) errors.push(duplicate(here.child('type'), type));
    seen.add(type);
    return errors;
  });
}
