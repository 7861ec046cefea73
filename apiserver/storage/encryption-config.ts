/** An EncryptionConfiguration file: which resources are sealed by which providers. What is not supported is refused by name. */
import type { Kind } from '../../api/kind.ts';
import { parseDuration } from '../../api/codec/scalars.ts';
import { parseYaml } from '../../api/codec/yaml.ts';
import type { Random } from '../../std/random.ts';
import { fields, listOf, shape, TEXT } from '../shape.ts';
import { aesCbc, aesGcm, chain, identity, secretbox, type Cipher, type NamedKey, type Transformer } from './encryption-ciphers.ts';
import type { EncryptionPolicy } from './encryption.ts';

interface KeyEntry {
  readonly name?: string;
  readonly secret?: string;
}

interface KmsEntry {
  readonly apiVersion?: string;
  readonly name?: string;
  readonly cachesize?: number | null;
  readonly endpoint?: string;
  readonly timeout?: string | null;
}

type Provider = Readonly<Record<string, { readonly keys?: readonly KeyEntry[] } | undefined>> & { readonly kms?: KmsEntry };

interface ResourceEntry {
  readonly resources?: readonly string[];
  readonly providers?: readonly Provider[];
}

interface Configuration {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly resources?: readonly ResourceEntry[];
}

export interface EncryptionConfigOptions {
  readonly random: Random;
  /** Tells which resource stands at a place of the store. */
  readonly kinds: readonly Pick<Kind, 'group' | 'plural' | 'storagePath'>[];
  /** Opens what a key management service seals; it is asked for nothing yet. */
  readonly kms: (settings: KmsSettings) => Cipher;
  /** The file is read again when it changes. */
  readonly reload?: boolean;
}

export interface KmsSettings {
  readonly name: string;
  /** `unix:///run/kms.sock` */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

const AES_KEYS = [16, 24, 32];
const PROVIDERS = { aesgcm: [aesGcm, AES_KEYS], aescbc: [aesCbc, AES_KEYS], secretbox: [secretbox, [32]] } as const;
const NOT_REST = new Set(['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']);

const KEYS = fields({ keys: listOf(fields({ name: TEXT, secret: TEXT })) });
const PROVIDER = { ...fields({ aesgcm: KEYS, aescbc: KEYS, secretbox: KEYS, identity: {}, kms: fields({ apiVersion: TEXT, name: TEXT, cachesize: { type: ['integer', 'null'] }, endpoint: TEXT, timeout: TEXT }) }), type: 'object' };
const checkShape = shape(fields({ apiVersion: TEXT, kind: TEXT, resources: listOf({ ...fields({ resources: listOf(TEXT), providers: listOf(PROVIDER) }), type: 'object' }) }));

/** Throws a sentence per mistake, with the field's path. */
export function parseEncryptionConfig(text: string, options: EncryptionConfigOptions): EncryptionPolicy {
  const { kinds } = options;
  const config = (parseYaml(text).value ?? {}) as Configuration;
  if (config.kind !== 'EncryptionConfiguration' || config.apiVersion !== 'apiserver.config.k8s.io/v1') {
    throw new Error(`expected an EncryptionConfiguration of apiserver.config.k8s.io/v1, got ${config.kind ?? ''} of ${config.apiVersion ?? ''}`);
  }
  checkShape(config);
  const problems: string[] = [];
  if (!config.resources?.length) problems.push('resources: Required value: at least one resources is required');
  const reading: Reading = { ...options, problems, names: new Set() };
  const drafts = (config.resources ?? []).map((entry, at) => ruleOf(entry, `resources[${at}]`, reading));
  if (problems.length > 0) throw new Error(problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]`);
  // Services are turned to when nothing is wrong with the file.
  const rules = drafts.map(({ resources, ciphers }): Rule => {
    const made = ciphers.map((make) => make());
    return { resources, transformer: chain(() => made) };
  });
  const places = new Map(kinds.map(({ group, plural, storagePath }) => [storagePath, { group, resource: plural }]));
  return {
    transformerOf(place) {
      const { group, resource } = places.get(place) ?? customPlace(place);
      const names = [group ? `${resource}.${group}` : resource, `*.${group}`, '*.*'];
      return rules.find(({ resources }) => resources.some((one) => names.includes(one)))?.transformer;
    },
  };
}

interface Rule {
  readonly resources: readonly string[];
  readonly transformer: Transformer;
}

function customPlace(place: string): { readonly group: string; readonly resource: string } {
  const [group = '', resource = ''] = place.split('/');
  return resource ? { group, resource } : { group: '', resource: group };
}

interface Draft {
  readonly resources: readonly string[];
  readonly ciphers: readonly (() => Cipher)[];
}

interface Reading extends EncryptionConfigOptions {
  readonly problems: string[];
  readonly names: Set<string>;
}

function ruleOf(entry: ResourceEntry, path: string, reading: Reading): Draft {
  const { problems } = reading;
  const resources = entry.resources ?? [];
  const providers = entry.providers ?? [];
  if (resources.length === 0) problems.push(`${path}.resources: Required value: at least one ${path}.resources is required`);
  problems.push(...nameProblems(resources, `${path}.resources`));
  if (providers.length === 0) problems.push(`${path}.providers: Required value: at least one ${path}.providers is required`);
  return { resources, ciphers: providers.flatMap((provider, at) => ciphersOf(provider, `${path}.providers[${at}]`, reading)) };
}

function nameProblems(resources: readonly string[], path: string): string[] {
  const problems: string[] = [];
  const invalid = (at: string, value: unknown, why: string): void => void problems.push(`${at}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  const groups = resources.map((name) => ({ name, group: name.includes('.') ? name.slice(name.indexOf('.') + 1) : '', star: name.startsWith('*.') }));
  if (new Set(resources).size < resources.length) invalid(path, resources, 'the same resource cannot be specified multiple times');
  const overlap = resources.length > 1 && (resources.includes('*.*') || groups.some((one) => one.star && groups.some((other) => other.name !== one.name && other.group === one.group)));
  if (overlap) invalid(path, resources, "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked");
  groups.forEach(({ name, group, star }, at) => {
    const why = nameProblem(name, group, star);
    if (why) invalid(`${path}[${at}]`, name, why);
  });
  return problems;
}

function nameProblem(name: string, group: string, star: boolean): string | undefined {
  if (/[A-Z]/.test(name)) return 'resource name should not contain capital letters';
  if (name === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (NOT_REST.has(name)) return 'resources which do not have REST API/s cannot be encrypted';
  if (group === 'events.k8s.io') return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption";
  return group === '*' && !star ? 'encrypting the same resource across groups is not supported' : undefined;
}

function ciphersOf(provider: Provider, path: string, reading: Reading): (() => Cipher)[] {
  const { problems, random } = reading;
  const [kind, ...more] = Object.keys(provider);
  if (kind === undefined) problems.push(`${path}: Invalid value: "": provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`);
  else if (more.length > 0) problems.push(`${path}: Invalid value: more than one provider specified in a single element, should split into different list elements`);
  else if (kind === 'identity') return [() => identity];
  else if (kind === 'kms') return kmsOf(provider.kms ?? {}, `${path}.kms`, reading);
  else if (kind === 'aesgcm' || kind === 'aescbc' || kind === 'secretbox') {
    const [make, sizes] = PROVIDERS[kind];
    return keysOf(provider[kind]?.keys ?? [], `${path}.${kind}.keys`, { sizes, problems }).map((key) => () => make(key, random));
  }
  return [];
}

const KMS_TIMEOUT = '3s';

/** Version 1 is off by default upstream; here it is not there. */
function kmsOf(entry: KmsEntry, path: string, { problems, names, reload, kms }: Reading): (() => Cipher)[] {
  const { name = '', endpoint = '' } = entry;
  const [version, timeout] = [entry.apiVersion || 'v1', entry.timeout ?? KMS_TIMEOUT];
  const before = problems.length;
  const invalid = (field: string, value: unknown, why: string): void => void problems.push(`${path}.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  if (name === '') problems.push(`${path}.name: Required value: name is a mandatory field for a provider`);
  if (version !== 'v1' && name.includes(':')) invalid('name', name, `invalid KMS provider name ${name}, must not contain ':'`);
  if ((reload || version !== 'v1') && names.has(name)) invalid('name', name, `duplicate KMS provider name ${name}, names must be unique`);
  names.add(name);
  const timeoutNs = parseDuration(timeout);
  if (timeoutNs === undefined) invalid('timeout', timeout, 'it must be a duration, as 3s');
  else if (timeoutNs <= 0n) invalid('timeout', timeout, 'timeout should be a positive value');
  const problem = endpointProblem(endpoint);
  if (problem) invalid('endpoint', endpoint, problem);
  if (version !== 'v1' && typeof entry.cachesize === 'number') invalid('cachesize', entry.cachesize, 'cachesize is not supported in v2');
  if (version === 'v1' && entry.cachesize === 0) invalid('cachesize', 0, 'cachesize should be a positive value, or negative to disable');
  if (version !== 'v1' && version !== 'v2') invalid('apiVersion', version, 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported');
  else if (version === 'v1' && problems.length === before) problems.push(`${path}.apiVersion: KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead; this server has no KMSv1`);
  return [() => kms({ name, endpoint, timeoutMs: Number(timeoutNs ?? 0n) / 1e6 })];
}

function endpointProblem(endpoint: string): string | undefined {
  if (endpoint === '') return 'endpoint is a mandatory field for a kms';
  const scheme = /^([a-zA-Z][-+.a-zA-Z0-9]*):/.exec(endpoint)?.[1] ?? '';
  if (scheme.toLowerCase() !== 'unix') return `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`;
  return URL.canParse(endpoint) ? undefined : 'invalid endpoint for kms provider, error: it cannot be read as a URL';
}

function keysOf(keys: readonly KeyEntry[], path: string, { sizes, problems }: { readonly sizes: readonly number[]; readonly problems: string[] }): NamedKey[] {
  if (keys.length === 0) problems.push(`${path}: Required value: at least one keys is required`);
  return keys.flatMap(({ name = '', secret = '' }, at) => {
    if (!name) problems.push(`${path}[${at}].name: Required value: name is a mandatory field for a key`);
    if (!secret) problems.push(`${path}[${at}].secret: Required value: secret is a mandatory field for a key`);
    const bytes = Buffer.from(secret, 'base64');
    if (secret && bytes.toString('base64') !== secret.trim()) problems.push(`${path}[${at}].secret: Invalid value: "REDACTED": secrets must be base64 encoded`);
    else if (secret && !sizes.includes(bytes.length)) problems.push(`${path}[${at}].secret: Invalid value: "REDACTED": secret is not of the expected length, got ${bytes.length}, expected one of [${sizes.join(' ')}]`);
    return [{ name, secret: bytes }];
  });
}
