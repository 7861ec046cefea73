/** Reads and signs PKCS #10 certificate requests with an authority of the cluster. The library is loaded with the first one. */
import { createPrivateKey, webcrypto } from 'node:crypto';
import type { Random } from '../../std/random.ts';
import type { KeyPair } from './key-files.ts';

export interface RequestSigner {
  read(requestPem: string): Promise<{
    readonly commonName: string;
    readonly organizations: readonly string[];
    readonly dnsNames: readonly string[];
    readonly addresses: readonly string[];
    readonly emails: readonly string[];
    readonly uris: readonly string[];
  }>;
  sign(requestPem: string, options: { readonly usages: readonly string[]; readonly notBefore: Date; readonly notAfter: Date }): Promise<string>;
}

const ALTERNATIVE_NAMES = '2.5.29.17';

type X509 = typeof import('@peculiar/x509');

export function openRequestSigner(authority: () => KeyPair, random: Random): RequestSigner {
  return {
    async read(requestPem) {
      const x509 = await library();
      const request = new x509.Pkcs10CertificateRequest(requestPem);
      const names = namesIn(x509, request);
      const of = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
      const subject = request.subjectName;
      return { commonName: subject.getField('CN').at(-1) ?? '', organizations: subject.getField('O'), dnsNames: of('dns'), addresses: of('ip'), emails: of('email'), uris: of('url') };
    },
    async sign(requestPem, { usages, notBefore, notAfter }) {
      const x509 = await library();
      const request = new x509.Pkcs10CertificateRequest(requestPem);
      if (!(await request.verify())) throw new Error('unable to verify certificate request signature');
      const { certPem, keyPem } = authority();
      const ca = new x509.X509Certificate(certPem);
      const names = namesIn(x509, request);
      const { keyUsage, extended } = usagesOf(x509, usages);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(random),
        subject: request.subjectName,
        issuer: ca.subjectName,
        publicKey: request.publicKey,
        ...(await signing(keyPem)),
        notBefore,
        notAfter: notAfter < ca.notAfter ? notAfter : ca.notAfter,
        extensions: [
          ...(keyUsage ? [new x509.KeyUsagesExtension(keyUsage, true)] : []),
          ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
          new x509.BasicConstraintsExtension(false, undefined, true),
          await x509.AuthorityKeyIdentifierExtension.create(ca),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
      });
      return `${certificate.toString('pem')}\n`;
    },
  };
}

async function library(): Promise<X509> {
  await import('./metadata-shim.ts');
  return import('@peculiar/x509');
}

interface Name {
  readonly type: 'dns' | 'ip' | 'email' | 'url';
  readonly value: string;
}

function namesIn(x509: X509, request: InstanceType<X509['Pkcs10CertificateRequest']>): Name[] {
  const extension = request.getExtension(ALTERNATIVE_NAMES);
  if (!extension) return [];
  const { items } = new x509.SubjectAlternativeNameExtension(extension.rawData).names;
  return items.flatMap(({ type, value }) => (type === 'dns' || type === 'ip' || type === 'email' || type === 'url' ? [{ type, value }] : []));
}

/** Names of the certificates API. */
function usagesOf({ KeyUsageFlags: flags }: X509, usages: readonly string[]): { readonly keyUsage: number; readonly extended: string[] } {
  const bits: Readonly<Record<string, number>> = {
    signing: flags.digitalSignature, 'digital signature': flags.digitalSignature, 'content commitment': flags.nonRepudiation, 'key encipherment': flags.keyEncipherment,
    'key agreement': flags.keyAgreement, 'data encipherment': flags.dataEncipherment, 'cert sign': flags.keyCertSign, 'crl sign': flags.cRLSign,
    'encipher only': flags.encipherOnly, 'decipher only': flags.decipherOnly,
  };
  let keyUsage = 0;
  const extended: string[] = [];
  for (const usage of usages) {
    const purpose = PURPOSES[usage];
    if (purpose) extended.push(purpose);
    keyUsage |= bits[usage] ?? 0;
  }
  return { keyUsage, extended: [...new Set(extended)] };
}

const PURPOSE = '1.3.6.1.5.5.7.3.';
const PURPOSES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0', 'server auth': `${PURPOSE}1`, 'client auth': `${PURPOSE}2`, 'code signing': `${PURPOSE}3`, 'email protection': `${PURPOSE}4`, 's/mime': `${PURPOSE}4`,
  'ipsec end system': `${PURPOSE}5`, 'ipsec tunnel': `${PURPOSE}6`, 'ipsec user': `${PURPOSE}7`, timestamping: `${PURPOSE}8`, 'ocsp signing': `${PURPOSE}9`,
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3', 'netscape sgc': '2.16.840.1.113730.4.1',
};

/** The authority's key may be one that somebody brought: elliptic or RSA. */
async function signing(keyPem: string): Promise<{ readonly signingKey: webcrypto.CryptoKey; readonly signingAlgorithm: { readonly name: string; readonly hash: string } }> {
  const key = createPrivateKey(keyPem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const algorithm = curve ? { name: 'ECDSA', namedCurve: CURVES[curve] ?? 'P-256', hash: 'SHA-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return { signingKey: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), signingAlgorithm: algorithm };
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Positive and at most 16 bytes long. */
function serial(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
