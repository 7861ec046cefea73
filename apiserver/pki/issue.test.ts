import './metadata-shim.ts';
import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
import { seededRandom } from '../../std/random.ts';
import { issueAuthority, issueLeaf } from './issue.ts';
import type { KeyPair } from './key-files.ts';

const random = seededRandom(1);
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

function library(): Promise<typeof import('@peculiar/x509')> {
  return import('@peculiar/x509');
}

/** As somebody else's tool makes one: RSA, a name of several parts, a key identifier that is no hash of the key. */
async function foreignAuthority(keyIdentifier: string | undefined): Promise<KeyPair> {
  const x509 = await library();
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01', name: 'C=DE, O=Mühle, CN=our own', keys, signingAlgorithm: algorithm, ...validity,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), ...(keyIdentifier === undefined ? [] : [new x509.SubjectKeyIdentifierExtension(keyIdentifier)])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { certPem: certificate.toString('pem'), keyPem: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n` };
}

test.each([
  ['its own key identifier', '0102030405060708'],
  ['no key identifier', undefined],
])('leaves are issued by an RSA authority of somebody else with %s', async (_what, keyIdentifier) => {
  const x509 = await library();
  const authority = await foreignAuthority(keyIdentifier);
  const { certPem, keyPem } = issueLeaf(authority, { subject: { commonName: 'jane', organizations: ['räte', 'system:masters'] }, purposes: ['server', 'client'], dnsNames: ['a.example'], addresses: ['192.0.2.7'], random, ...validity });
  const [leaf, above] = [new X509Certificate(certPem), new X509Certificate(authority.certPem)];
  expect({ issued: leaf.checkIssued(above), signed: leaf.verify(above.publicKey), own: leaf.checkPrivateKey(createPrivateKey(keyPem)) }).toEqual({ issued: true, signed: true, own: true });
  const read = new x509.X509Certificate(certPem);
  expect({ subject: read.subject, issuer: read.issuer, usages: read.getExtension(x509.ExtendedKeyUsageExtension)?.usages, key: read.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId, ca: read.getExtension(x509.BasicConstraintsExtension)?.ca }).toEqual({
    subject: 'O=räte, O=system:masters, CN=jane',
    issuer: 'C=DE, O=Mühle, CN=our own',
    usages: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    key: keyIdentifier ?? (await new x509.X509Certificate(authority.certPem).publicKey.getKeyIdentifier().then((id) => Buffer.from(id).toString('hex'))),
    ca: false,
  });
});

test('a new authority may sign certificates, and nothing else but what servers and clients do', async () => {
  const x509 = await library();
  const { certPem } = issueAuthority({ commonName: 'kubernetes', random, ...validity });
  const read = new x509.X509Certificate(certPem);
  const flags = x509.KeyUsageFlags;
  expect({ ca: new X509Certificate(certPem).ca, usages: read.getExtension(x509.KeyUsagesExtension)?.usages, names: new X509Certificate(certPem).subjectAltName, self: await read.verify() }).toEqual({
    ca: true, usages: flags.digitalSignature | flags.keyEncipherment | flags.keyCertSign, names: 'DNS:kubernetes', self: true,
  });
});

test.each(['127.0.0.1', '255.0.1.2', '::1', '::', '2001:db8::1', '2001:db8:1:2:3:4:5:6', 'fe80::', '::ffff:192.0.2.1'])('the address %s stands in the certificate', (address) => {
  const { certPem } = issueLeaf(issueAuthority({ commonName: 'ca', random, ...validity }), { subject: { commonName: 'x' }, purposes: ['server'], addresses: [address], random, ...validity });
  expect(new X509Certificate(certPem).checkIP(address)).toBe(address);
});

test.each(['1951-02-03T04:05:06Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z', '2126-01-01T00:00:00Z'])('validity may end at %s', (end) => {
  const { certPem } = issueAuthority({ commonName: 'ca', random, notBefore: new Date('1950-01-01T00:00:00Z'), notAfter: new Date(end) });
  expect(new X509Certificate(certPem).validToDate).toEqual(new Date(end));
});

test('long and many names are written whole', () => {
  const names = Array.from({ length: 40 }, (_, i) => `${'n'.repeat(60)}-${i}.example`);
  const { certPem } = issueLeaf(issueAuthority({ commonName: 'c'.repeat(60), random, ...validity }), { subject: { commonName: 'x', organizations: names }, purposes: ['client'], dnsNames: names, random, ...validity });
  expect(new X509Certificate(certPem).subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(', '));
  expect(new X509Certificate(certPem).toLegacyObject().subject).toEqual({ O: names, CN: 'x' });
});
