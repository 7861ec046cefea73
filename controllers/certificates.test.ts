import { certificatesigningrequests } from '../api/resources.ts';
import type { CertificateSigningRequestStatus } from '../api/types/certificates.v1.ts';
import type { RequestFacts } from './certificates/authority.ts';
import { CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY, isKnownSigner, problemOf, validity } from './certificates/rules.ts';
import { requestCleanerController } from './certificatesigningrequest-cleaner.ts';
import { NOW, item, reconciled, shown } from './fake-view.ts';

const NODE: RequestFacts = { commonName: 'system:node:a', organizations: ['system:nodes'], dnsNames: [], addresses: [], emails: [], uris: [] };
const SERVER = { ...NODE, dnsNames: ['a'] };
const client = ['digital signature', 'client auth'];
const server = ['digital signature', 'key encipherment', 'server auth'];

test.each<[string, RequestFacts, string[], string | undefined]>([
  [CLIENT, NODE, ['client auth'], undefined],
  [CLIENT, NODE, ['server auth'], 'invalid usage for client certificate: server auth'],
  [CLIENT, NODE, ['digital signature'], 'missing required usage for client certificate: client auth'],
  [KUBELET_CLIENT, NODE, client, undefined],
  [KUBELET_CLIENT, NODE, [...client, 'key encipherment'], undefined],
  [KUBELET_CLIENT, { ...NODE, organizations: ['system:masters', 'system:nodes'] }, client, 'subject organization is not system:nodes'],
  [KUBELET_CLIENT, { ...NODE, commonName: 'admin' }, client, 'subject common name does not begin with system:node:'],
  [KUBELET_CLIENT, SERVER, client, 'DNS subjectAltNames are not allowed'],
  [KUBELET_CLIENT, NODE, ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
  [KUBELET_SERVING, SERVER, server, undefined],
  [KUBELET_SERVING, NODE, server, 'DNS or IP subjectAltName is required'],
  [KUBELET_SERVING, { ...SERVER, uris: ['x:y'] }, server, 'URI subjectAltNames are not allowed'],
  [KUBELET_SERVING, SERVER, client, 'usages did not match [digital signature key encipherment server auth]'],
  [LEGACY, { ...NODE, organizations: [] }, ['crl sign'], undefined],
])('%s %#', (signer, facts, usages, problem) => {
  expect(problemOf(signer, facts, usages)).toBe(problem);
});

test('other signers are left alone', () => {
  expect([isKnownSigner('example.com/own'), isKnownSigner('toString'), isKnownSigner(LEGACY)]).toEqual([false, false, true]);
});

test.each([
  [undefined, 365 * 24 * 60 - 5],
  [3600, 60],
  [60, 10],
  [10 * 3600, 595],
  [10 ** 9, 365 * 24 * 60 - 5],
])('asked for %s s it ends after %s min', (asked, minutes) => {
  const { notBefore, notAfter } = validity(asked, { now: NOW, longestMs: 365 * 24 * 3_600_000 });
  expect([(NOW - notBefore.getTime()) / 60_000, (notAfter.getTime() - NOW) / 60_000]).toEqual([5, minutes]);
});

const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
const condition = (type: string, minutes: number) => ({ type, status: 'True', lastUpdateTime: ago(minutes) });
test.each<[string, number, CertificateSigningRequestStatus, string[]]>([
  ['one that nobody answers is young', 60, {}, []],
  ['one that nobody answered for a day', 24 * 60 + 1, {}, ['delete certificatesigningrequests r']],
  ['one that was denied an hour ago', 90, { conditions: [condition('Denied', 61)] }, ['delete certificatesigningrequests r']],
  ['one that was denied just now', 90, { conditions: [condition('Denied', 1)] }, []],
  ['a signed one', 90, { conditions: [condition('Approved', 61)], certificate: 'x' }, ['delete certificatesigningrequests r']],
  ['one that nobody signs', 90, { conditions: [condition('Approved', 61)] }, []],
])('cleaning: %s', (_, age, status, expected) => {
  const request = item(certificatesigningrequests, { metadata: { name: 'r', namespace: '', creationTimestamp: ago(age) }, spec: { request: '', signerName: CLIENT }, status });
  const outcome = reconciled(requestCleanerController, 'r', [request]);
  expect(shown(outcome.actions)).toEqual(expected);
  if (expected.length === 0) expect(outcome.requeueAfterMs).toBeGreaterThan(0);
});
