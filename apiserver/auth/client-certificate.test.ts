/** Certificates of many connections: taken apart once, believed only where the connection's own handshake did. */
import type { TLSSocket } from 'node:tls';
import { certificateOf, forgetCertificates } from './client-certificate.ts';

interface Connection {
  readonly fingerprint: string | undefined;
  readonly authorized: boolean;
  readonly authority?: string;
}

let asked = 0;

function connection({ fingerprint, authorized, authority = 'CA' }: Connection): TLSSocket {
  const issuerCertificate: Record<string, unknown> = { fingerprint256: authority };
  issuerCertificate.issuerCertificate = issuerCertificate;
  return {
    authorized,
    getPeerX509Certificate: () => fingerprint && { fingerprint256: fingerprint },
    getPeerCertificate() {
      asked++;
      return { subject: { CN: fingerprint }, fingerprint256: fingerprint, issuerCertificate };
    },
  } as unknown as TLSSocket;
}

const shows = (of: Connection, authorization?: string): string => {
  try {
    const shown = certificateOf(connection(of), authorization);
    return shown ? `${shown.certificate.subject.CN} of ${shown.authority}` : 'nothing';
  } catch (error) {
    return String((error as { readonly code: number }).code);
  }
};

beforeEach(() => {
  forgetCertificates();
  asked = 0;
});

test('certificateOf() takes a certificate apart once for all connections', () => {
  const jane = { fingerprint: 'jane', authorized: true };
  expect([shows(jane), shows({ fingerprint: 'joe', authorized: true }), shows(jane)]).toEqual(['jane of CA', 'joe of CA', 'jane of CA']);
  expect(asked).toBe(2);
  const socket = connection(jane);
  expect(certificateOf(socket, undefined)).toBe(certificateOf(socket, undefined));
  expect(asked).toBe(2);
});

test.each<[string, Connection, string | undefined, string]>([
  ['none', { fingerprint: undefined, authorized: false }, undefined, 'nothing'],
  ['one that did not hold, though it did for another connection', { fingerprint: 'jane', authorized: false }, undefined, '401'],
  ['one that did not hold, and a token', { fingerprint: 'jane', authorized: false }, 'Bearer x', 'nothing'],
])('certificateOf() of %s', (_name, of, authorization, expected) => {
  shows({ fingerprint: 'jane', authorized: true });
  expect(shows(of, authorization)).toBe(expected);
});

test('forgetCertificates() has the authority asked for anew', () => {
  expect(shows({ fingerprint: 'jane', authorized: true })).toBe('jane of CA');
  forgetCertificates();
  expect(shows({ fingerprint: 'jane', authorized: true, authority: 'other' })).toBe('jane of other');
});
