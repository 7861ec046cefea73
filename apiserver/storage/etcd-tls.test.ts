import type { PeerCertificate } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { namesAddresses, withRealHosts } from './etcd-tls.ts';

test.each<[string[], boolean]>([
  [['https://127.0.0.1:2379'], true], [['https://[::1]:2379'], true], [['https://etcd.example.com:2379'], false], [['http://127.0.0.1:2379'], false], [['https://a:2379', 'https://10.0.0.1:2379'], true],
])('namesAddresses(%j) is %s', (endpoints, expected) => {
  expect(namesAddresses(endpoints)).toBe(expected);
});

test('withRealHosts() checks certificates against the endpoints, for as long as it runs', () => {
  const before = credentials.createSsl;
  const given: unknown[] = [];
  credentials.createSsl = (...parts) => (given.push(...parts), undefined as never);
  const own = credentials.createSsl;
  withRealHosts(['https://10.0.0.1:2379', 'https://etcd.example.com:2379'], () => credentials.createSsl());
  expect(() => withRealHosts(['https://10.0.0.1:2379'], () => {
    throw new Error('no');
  })).toThrow('no');
  expect(credentials.createSsl).toBe(own);
  credentials.createSsl = before;
  const { checkServerIdentity } = given.at(-1) as { checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined };
  const naming = (subjectaltname: string): PeerCertificate => ({ subject: { CN: 'x' }, subjectaltname }) as PeerCertificate;
  expect(['IP Address:10.0.0.1', 'DNS:etcd.example.com', 'IP Address:10.0.0.2', 'DNS:etcd.invalid'].map((names) => checkServerIdentity('etcd.invalid', naming(names)) === undefined)).toEqual([true, true, false, false]);
});
