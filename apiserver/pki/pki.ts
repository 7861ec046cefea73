/**
 * The cluster's own public key infrastructure: authorities, the API server's certificates and the key of ServiceAccount tokens.
 *
 * Everything is made once and loaded afterwards; the files have kubeadm's names. Certificates are renewed when a third of
 * their time is left, by a check twice a day on the injected clock; whoever serves TLS reloads its context from `onRenewed`.
 */
import { X509Certificate, createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock, Timer } from '../../std/clock.ts';
import { every } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { issueAuthority, issueLeaf, type LeafOptions } from './issue.ts';
import type { KeyFiles, KeyPair } from './key-files.ts';
import { directoryKeyFiles, memoryKeyFiles, readPair, writePair } from './key-files.ts';
import { hasAllNames, isAddress, subjectOf } from './names.ts';

export interface PkiOptions {
  /** Where the files live; undefined keeps everything in memory. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Further names and addresses of the API server, besides those it always has. */
  readonly addresses: readonly string[];
  /** The first address of the Service range, that of the `kubernetes` Service. */
  readonly serviceAddress?: string;
  /** What a new key of ServiceAccount tokens is: `rsa` (default) as upstream's, or `ec`, which is made a hundred times faster: for tests. */
  readonly tokenKey?: 'rsa' | 'ec';
  /** Told when the check could not renew; the old certificates stay in use. */
  readonly onError?: (error: unknown) => void;
}

export interface ClientCertificateOptions {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export interface ServingCertificateOptions {
  /** Also the certificate's common name, its first. */
  readonly names: readonly string[];
  readonly ips: readonly string[];
  /** Default: the first name. A kubelet's is `system:node:NAME` with organization `system:nodes`. */
  readonly commonName?: string;
  readonly organizations?: readonly string[];
}

export interface Pki {
  /** Signs clients and servers; what goes into kubeconfigs and `kube-root-ca.crt`. */
  readonly ca: KeyPair;
  readonly caPem: string;
  /** What the API server shows. A getter: it changes with renewal. */
  readonly serving: KeyPair;
  /** What the API server shows to kubelets: user `kube-apiserver-kubelet-client`, whom a bootstrap binding lets use their API. */
  readonly kubeletClient: KeyPair;
  /** Vouches for aggregated API servers' caller; `requestheader-client-ca-file`. */
  readonly frontProxyCaPem: string;
  readonly frontProxyClient: KeyPair;
  /** Signs ServiceAccount tokens (RS256 unless told otherwise). */
  readonly serviceAccountKey: { readonly privatePem: string; readonly publicPem: string };
  /** A client certificate, loaded when one with this subject was issued before and is not about to expire. */
  clientCertificate(options: ClientCertificateOptions): Promise<KeyPair>;
  servingCertificate(options: ServingCertificateOptions): Promise<KeyPair>;
  /** Renews what is due now; true when the API server's own certificates changed. The regular check calls it. */
  renew(): Promise<boolean>;
  /** Called after `serving`, `kubeletClient` or `frontProxyClient` changed. */
  onRenewed(listener: () => void): { close(): void };
  /** Stops the renewal check. */
  close(): void;
}

const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_LIFETIME_MS = 3650 * DAY_MS;
const LEAF_LIFETIME_MS = 365 * DAY_MS;
/** Certificates hold a little before they were made: clocks of other machines may be behind. */
const BACKDATE_MS = 3600 * 1000;
const RENEWAL_CHECK_MS = 12 * 3600 * 1000;
const DEFAULT_SERVICE_ADDRESS = '10.96.0.1';
const SERVER_NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost'];

export async function openPki(options: PkiOptions): Promise<Pki> {
  const files = options.directory === undefined ? memoryKeyFiles() : directoryKeyFiles(options.directory);
  const pki = new FilePki(files, options);
  await pki.open();
  return pki;
}

type LeafRequest = Pick<LeafOptions, 'subject' | 'purposes' | 'dnsNames' | 'addresses'>;

class FilePki implements Pki {
  readonly #files: KeyFiles;
  readonly #options: PkiOptions;
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  #renewing: Promise<boolean> | undefined;
  #ca!: KeyPair;
  #frontProxyCa!: KeyPair;
  #serving!: KeyPair;
  #kubeletClient!: KeyPair;
  #frontProxyClient!: KeyPair;
  #serviceAccountKey!: { readonly privatePem: string; readonly publicPem: string };

  constructor(files: KeyFiles, options: PkiOptions) {
    this.#files = files;
    this.#options = options;
  }

  async open(): Promise<void> {
    const signingKey = this.#signingKey();
    signingKey.catch(() => undefined);
    this.#ca = await this.#authority('ca', 'kubernetes');
    this.#frontProxyCa = await this.#authority('front-proxy-ca', 'front-proxy-ca');
    this.#serviceAccountKey = await signingKey;
    await this.renew();
    this.#timer = every(this.#options.clock, RENEWAL_CHECK_MS, async () => void (await this.renew()), this.#options.onError ?? (() => undefined));
  }

  get ca(): KeyPair {
    return this.#ca;
  }
  get caPem(): string {
    return this.#ca.certPem;
  }
  get serving(): KeyPair {
    return this.#serving;
  }
  get kubeletClient(): KeyPair {
    return this.#kubeletClient;
  }
  get frontProxyCaPem(): string {
    return this.#frontProxyCa.certPem;
  }
  get frontProxyClient(): KeyPair {
    return this.#frontProxyClient;
  }
  get serviceAccountKey(): { readonly privatePem: string; readonly publicPem: string } {
    return this.#serviceAccountKey;
  }

  clientCertificate({ commonName, organizations }: ClientCertificateOptions): Promise<KeyPair> {
    return this.#leaf(fileName('client', [commonName, ...organizations]), this.#ca, { subject: { commonName, organizations }, purposes: ['client'] });
  }

  servingCertificate({ names, ips, commonName, organizations }: ServingCertificateOptions): Promise<KeyPair> {
    const subject = { commonName: commonName ?? names[0] ?? ips[0] ?? '', organizations: organizations ?? [] };
    return this.#leaf(fileName('serving', [subject.commonName]), this.#ca, { subject, purposes: ['server'], dnsNames: names, addresses: ips });
  }

  renew(): Promise<boolean> {
    this.#renewing ??= this.#renewNow().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renewNow(): Promise<boolean> {
    const before = [this.#serving, this.#kubeletClient, this.#frontProxyClient];
    const given = [...new Set(this.#options.addresses)];
    this.#serving = await this.#leaf('apiserver', this.#ca, {
      subject: { commonName: 'kube-apiserver' },
      purposes: ['server'],
      dnsNames: [...new Set([...SERVER_NAMES, ...given.filter((name) => !isAddress(name))])],
      addresses: [...new Set(['127.0.0.1', '::1', this.#options.serviceAddress ?? DEFAULT_SERVICE_ADDRESS, ...given.filter(isAddress)])],
    });
    this.#kubeletClient = await this.#leaf('apiserver-kubelet-client', this.#ca, {
      subject: { commonName: 'kube-apiserver-kubelet-client' },
      purposes: ['client'],
    });
    this.#frontProxyClient = await this.#leaf('front-proxy-client', this.#frontProxyCa, { subject: { commonName: 'front-proxy-client' }, purposes: ['client'] });
    const after = [this.#serving, this.#kubeletClient, this.#frontProxyClient];
    const changed = before[0] !== undefined && after.some((pair, i) => pair.certPem !== before[i]?.certPem);
    if (changed) for (const listener of this.#listeners) listener();
    return changed;
  }

  onRenewed(listener: () => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  async #authority(name: string, commonName: string): Promise<KeyPair> {
    const now = this.#options.clock.now();
    const pair = readPair(this.#files, name);
    if (pair) {
      if (now > new X509Certificate(pair.certPem).validToDate.getTime()) throw new Error(`the certificate authority ${name}.crt has expired`);
      return pair;
    }
    // A new authority under certificates that others hold would lock everybody out: only an empty place gets one.
    if (this.#files.read(`${name}.crt`) !== undefined) throw new Error(`${name}.crt and ${name}.key are damaged or do not belong together`);
    const made = issueAuthority({ commonName, random: this.#options.random, ...this.#validity(AUTHORITY_LIFETIME_MS) });
    return writePair(this.#files, name, made);
  }

  async #signingKey(): Promise<{ readonly privatePem: string; readonly publicPem: string }> {
    const stored = this.#files.read('sa.key');
    const privatePem = stored ?? (await newSigningKey(this.#options.tokenKey ?? 'rsa'));
    const publicPem = createPublicKey(privatePem).export({ type: 'spki', format: 'pem' }) as string;
    if (stored === undefined) {
      this.#files.write('sa.pub', publicPem);
      this.#files.write('sa.key', privatePem);
    }
    return { privatePem, publicPem };
  }

  async #leaf(file: string, authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
    const pair = readPair(this.#files, file);
    if (pair && this.#holds(pair, authority, request)) return pair;
    return writePair(this.#files, file, issueLeaf(authority, { ...request, random: this.#options.random, ...this.#validity(LEAF_LIFETIME_MS) }));
  }

  /** Whether a stored certificate is what would be issued now, with more than a third of its time left. */
  #holds(pair: KeyPair, authority: KeyPair, request: LeafRequest): boolean {
    const certificate = new X509Certificate(pair.certPem);
    const end = certificate.validToDate.getTime();
    const lifetime = end - certificate.validFromDate.getTime();
    const now = this.#options.clock.now();
    if (now > end - lifetime / 3 || now < certificate.validFromDate.getTime()) return false;
    if (!certificate.verify(new X509Certificate(authority.certPem).publicKey)) return false;
    return subjectOf(certificate) === subjectOf(request.subject) && hasAllNames(certificate, [...(request.dnsNames ?? []), ...(request.addresses ?? [])]);
  }

  #validity(lifetimeMs: number): { notBefore: Date; notAfter: Date } {
    const now = this.#options.clock.now();
    return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifetimeMs) };
  }
}

async function newSigningKey(kind: 'rsa' | 'ec'): Promise<string> {
  const make = promisify(generateKeyPair);
  const { privateKey } = kind === 'rsa' ? await make('rsa', { modulusLength: 2048 }) : await make('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** Two subjects never share a file: what does not fit into a file name is written as its code. */
function fileName(kind: string, parts: readonly string[]): string {
  const safe = parts.map((part) => part.replaceAll(/[^A-Za-z0-9.-]/g, (char) => `_${char.charCodeAt(0).toString(16)}`));
  return `${kind}-${safe.join('+')}`.slice(0, 200);
}
