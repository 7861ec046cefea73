import type { ApiObject } from '../../kind.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../types/certificates.v1.ts';
import { certificatesigningrequest } from './certificatesigningrequest.ts';

const condition = (type: string, message: string): CertificateSigningRequestCondition => ({ type, status: 'True', reason: 'x', message });
const withConditions = (...conditions: CertificateSigningRequestCondition[]): CertificateSigningRequest & ApiObject => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'a' }, spec: { signerName: 'example.com/s', request: '', usages: [] }, status: { conditions } });

const shown = (object: CertificateSigningRequest): string[] => (object.status?.conditions ?? []).map(({ type, message }) => `${type}: ${message}`);

test.each([
  ['what was decided stays as it was', [condition('Denied', 'no')], [condition('Failed', 'f'), condition('Denied', 'perhaps')], ['Failed: f', 'Denied: no']],
  ['one decision is not taken for another', [condition('Denied', 'no')], [condition('Approved', 'yes')], ['Approved: yes']],
  ['each kind of decision is held to its own', [condition('Denied', 'no')], [condition('Denied', 'perhaps'), condition('Approved', 'yes')], ['Denied: no', 'Approved: yes']],
])('a writer of the status: %s', (_, before, sent, expected) => {
  const object = withConditions(...sent);
  const old = withConditions(...before);
  certificatesigningrequest.strategy?.prepareForUpdate?.(object, old, { subresource: 'status', now: 0 } as never);
  expect(shown(object)).toEqual(expected);
});

test('what a writer of the status decides by himself is refused', () => {
  const errors = certificatesigningrequest.strategy?.validateUpdate?.(withConditions(condition('Approved', 'yes')), withConditions(condition('Denied', 'no')), { subresource: 'status' } as never) ?? [];
  expect(errors.filter(({ field }) => field === 'status.conditions').map(({ type }) => type)).toEqual(expect.arrayContaining(['FieldValueForbidden']));
});
