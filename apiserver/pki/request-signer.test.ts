import { X509Certificate } from 'node:crypto';
import { seededRandom } from '../../std/random.ts';
import { systemClock } from '../../std/clock.ts';
import { openPki } from './pki.ts';
import { openRequestSigner } from './request-signer.ts';

// openssl req -new -newkey ec -subj '/O=team/CN=robot' (P-256)
const REQUEST = `-----BEGIN CERTIFICATE REQUEST-----
MIHaMIGBAgEAMB8xDTALBgNVBAoMBHRlYW0xDjAMBgNVBAMMBXJvYm90MFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAE3jDu0p+WseGMsBl9aCDO6q56uY55ffBxXBgQ
d104i2jkph/BLZwct4z3CwkYBA5XRJoNg5yhRauW5PgV6Qu4PaAAMAoGCCqGSM49
BAMCA0gAMEUCIGU+kTPKDKDZ4/9IDz0kF6ESr13PaxQr01xjwwtLMKpaAiEAhTNG
uro0GehGc8UjUQHuCHwRVtcDNY23jtbFbZVRR2k=
-----END CERTIFICATE REQUEST-----
`;

test('a request is read, and signed for its own subject and key by the authority', async () => {
  const pki = await openPki({ directory: undefined, clock: systemClock, random: seededRandom(1), addresses: [], tokenKey: 'ec' });
  pki.close();
  const signer = openRequestSigner(() => pki.ca, seededRandom(2));
  expect(await signer.read(REQUEST)).toEqual({ commonName: 'robot', organizations: ['team'], dnsNames: [], addresses: [], emails: [], uris: [] });
  const now = systemClock.now();
  const pem = await signer.sign(REQUEST, { usages: ['client auth', 'digital signature'], notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) });
  const certificate = new X509Certificate(pem);
  expect(certificate.subject).toBe('O=team\nCN=robot');
  expect(certificate.verify(new X509Certificate(pki.caPem).publicKey)).toBe(true);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(certificate.ca).toBe(false);
});

test('a certificate does not outlive its authority, and a request that was changed is not signed', async () => {
  const pki = await openPki({ directory: undefined, clock: systemClock, random: seededRandom(1), addresses: [], tokenKey: 'ec' });
  pki.close();
  const signer = openRequestSigner(() => pki.ca, seededRandom(2));
  const usages = ['client auth'];
  const pem = await signer.sign(REQUEST, { usages, notBefore: new Date(0), notAfter: new Date('2999-01-01') });
  expect(new X509Certificate(pem).validToDate).toEqual(new X509Certificate(pki.caPem).validToDate);
  const changed = REQUEST.replace('BHRlYW0x', 'BHRlYW4x');
  expect(changed).not.toBe(REQUEST);
  await expect(signer.sign(changed, { usages, notBefore: new Date(), notAfter: new Date() })).rejects.toThrow();
});
