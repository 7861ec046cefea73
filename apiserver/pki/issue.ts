/** Makes authorities and certificates. Written out by hand: the library that reads requests takes longer to load than a cluster to start. */
import { X509Certificate, createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Random } from '../../std/random.ts';
import { bitString, element, elementsOf, integer, octetString, oid, sequence, set, tagged, time, truth, utf8 } from './der.ts';
import type { KeyPair } from './key-files.ts';

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export type Purpose = 'server' | 'client';

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface LeafOptions extends Validity {
  readonly subject: Subject;
  readonly purposes: readonly Purpose[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly random: Random;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
} as const;

/** Digital signatures and key encipherment; authorities sign certificates as well. */
const LEAF_USAGE = bitString(Buffer.from([0xa0]), 5);
const AUTHORITY_USAGE = bitString(Buffer.from([0xa4]), 2);
const VERSION_3 = tagged(0, integer(Buffer.from([2])));
const IS_AUTHORITY = sequence(truth());

export function issueAuthority({ commonName, random, ...validity }: Validity & { readonly commonName: string; readonly random: Random }): KeyPair {
  const keys = newKeys();
  const name = distinguishedName({ commonName });
  const certPem = signed({ serial: serial(random), issuer: name, subject: name, publicKey: keys.publicKey, validity, signingKey: keys.keyPem }, [
    extension(OID.basicConstraints, IS_AUTHORITY, { critical: true }),
    extension(OID.keyUsage, AUTHORITY_USAGE, { critical: true }),
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(keys.publicKey))),
    extension(OID.subjectAltName, alternativeNames([commonName], [])),
  ]);
  return { certPem, keyPem: keys.keyPem };
}

/** The authority may be somebody's own, with an elliptic key or an RSA one. */
export function issueLeaf(authority: KeyPair, { subject, purposes, dnsNames = [], addresses = [], random, ...validity }: LeafOptions): KeyPair {
  const keys = newKeys();
  const issuer = readAuthority(authority.certPem);
  const hasNames = dnsNames.length + addresses.length > 0;
  const certPem = signed({ serial: serial(random), issuer: issuer.name, subject: distinguishedName(subject), publicKey: keys.publicKey, validity, signingKey: authority.keyPem }, [
    extension(OID.keyUsage, LEAF_USAGE, { critical: true }),
    extension(OID.extendedKeyUsage, sequence(...purposes.map((purpose) => oid(OID[purpose])))),
    extension(OID.basicConstraints, sequence(), { critical: true }),
    extension(OID.authorityKeyIdentifier, sequence(tagged(0, issuer.keyIdentifier, { isPlain: true }))),
    ...(hasNames ? [extension(OID.subjectAltName, alternativeNames(dnsNames, addresses))] : []),
  ]);
  return { certPem, keyPem: keys.keyPem };
}

interface ToBeSigned {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: Buffer;
  readonly validity: Validity;
  readonly signingKey: string;
}

function signed({ serial, issuer, subject, publicKey, validity, signingKey }: ToBeSigned, extensions: readonly Buffer[]): string {
  const key = createPrivateKey(signingKey);
  const algorithm = key.asymmetricKeyType === 'rsa' ? sequence(oid(OID.sha256WithRsa), element(0x05)) : sequence(oid(OID.ecdsaWithSha256));
  const period = sequence(time(validity.notBefore), time(validity.notAfter));
  const body = sequence(VERSION_3, serial, algorithm, issuer, period, subject, publicKey, tagged(3, sequence(...extensions)));
  const der = sequence(body, algorithm, bitString(sign('sha256', body, key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function newKeys(): { readonly publicKey: Buffer; readonly keyPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** Of an authority's certificate: its name as it stands there, and what it calls its key. */
function readAuthority(certPem: string): { readonly name: Buffer; readonly keyIdentifier: Buffer } {
  const [certificate] = elementsOf(new X509Certificate(certPem).raw);
  const [body] = elementsOf(certificate?.content ?? Buffer.of());
  const fields = elementsOf(body?.content ?? Buffer.of()).filter(({ tag }) => tag !== 0xa0);
  const [subject, publicKey] = [fields[4], fields[5]];
  if (!subject || !publicKey) throw new Error('the certificate of the authority cannot be read');
  const list = fields.find(({ tag }) => tag === 0xa3);
  const wanted = oid(OID.subjectKeyIdentifier);
  for (const { content } of list ? elementsOf(elementsOf(list.content)[0]?.content ?? Buffer.of()) : []) {
    const [id, ...values] = elementsOf(content);
    const value = values.at(-1);
    if (id?.whole.equals(wanted) && value) return { name: subject.whole, keyIdentifier: elementsOf(value.content)[0]?.content ?? Buffer.of() };
  }
  return { name: subject.whole, keyIdentifier: keyIdentifier(publicKey.whole) };
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const part = (type: string, text: string): Buffer => set(sequence(oid(type), utf8(text)));
  return sequence(...organizations.map((name) => part(OID.organization, name)), part(OID.commonName, commonName));
}

function extension(type: string, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(oid(type), ...(critical ? [truth()] : []), octetString(value));
}

function alternativeNames(names: readonly string[], addresses: readonly string[]): Buffer {
  const plain = { isPlain: true };
  return sequence(...names.map((name) => tagged(2, Buffer.from(name, 'ascii'), plain)), ...addresses.map((address) => tagged(7, addressBytes(address), plain)));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes groups of hexadecimal digits only, also where an IPv4 address stood in the end.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== '')) as [string[], string[]];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

/** SHA-1 of the key itself, without the words around it, as everybody makes it. */
function keyIdentifier(publicKey: Buffer): Buffer {
  const key = elementsOf(elementsOf(publicKey)[0]?.content ?? Buffer.of())[1]?.content.subarray(1) ?? Buffer.of();
  return createHash('sha1').update(key).digest();
}

/** Positive and 16 bytes long. */
function serial(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return integer(bytes);
}
