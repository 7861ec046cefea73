/** An EncryptionConfiguration file: which resources are sealed by which providers. What is not supported is refused by name. */
import type { Kind } from '../../api/kind.ts';
import { parseYaml } from '../../api/codec/yaml.ts';
import type { Random } from '../../std/random.ts';
import { fields, listOf, shape, TEXT } from '../shape.ts';
import { aesCbc, aesGcm, chain, identity, secretbox, type Cipher, type NamedKey, type Transformer } from './encryption-ciphers.ts';
import type { EncryptionPolicy } from './encryption.ts';

interface KeyEntry {
  readonly name?: string;
  readonly secret?: string;
}

type Provider = Readonly<Record<string, { readonly keys?: readonly KeyEntry[] } | undefined>>;

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
}

const AES_KEYS = [16, 24, 32];
const PROVIDERS = { aesgcm: [aesGcm, AES_KEYS], aescbc: [aesCbc, AES_KEYS], secretbox: [secretbox, [32]] } as const;
const NOT_REST = new Set(['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']);

const KEYS = fields({ keys: listOf(fields({ name: TEXT, secret: TEXT })) });
const PROVIDER = { ...fields({ aesgcm: KEYS, aescbc: KEYS, secretbox: KEYS, identity: {}, kms: {} }), type: 'object' };
const checkShape = shape(fields({ apiVersion: TEXT, kind: TEXT, resources: listOf({ ...fields({ resources: listOf(TEXT), providers: listOf(PROVIDER) }), type: 'object' }) }));

/** Throws a sentence per mistake, with the field's path. */
export function parseEncryptionConfig(text: string, { random, kinds }: EncryptionConfigOptions): EncryptionPolicy {
  const config = (parseYaml(text).value ?? {}) as Configuration;
  if (config.kind !== 'EncryptionConfiguration' || config.apiVersion !== 'apiserver.config.k8s.io/v1') {
    throw new Error(`expected an EncryptionConfiguration of apiserver.config.k8s.io/v1, got ${config.kind ?? ''} of ${config.apiVersion ?? ''}`);
  }
  checkShape(config);
  const problems: string[] = [];
  if (!config.resources?.length) problems.push('resources: Required value: at least one resources is required');
  const rules = (config.resources ?? []).map((entry, at) => ruleOf(entry, `resources[${at}]`, problems, random));
  if (problems.length > 0) throw new Error(problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]`);
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

function ruleOf(entry: ResourceEntry, path: string, problems: string[], random: Random): Rule {
  const resources = entry.resources ?? [];
  const providers = entry.providers ?? [];
  if (resources.length === 0) problems.push(`${path}.resources: Required value: at least one ${path}.resources is required`);
  problems.push(...nameProblems(resources, `${path}.resources`));
  if (providers.length === 0) problems.push(`${path}.providers: Required value: at least one ${path}.providers is required`);
  const ciphers = providers.flatMap((provider, at) => ciphersOf(provider, `${path}.providers[${at}]`, problems, random));
  return { resources, transformer: chain(() => ciphers) };
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

function ciphersOf(provider: Provider, path: string, problems: string[], random: Random): Cipher[] {
  const [kind, ...more] = Object.keys(provider);
  if (kind === undefined) problems.push(`${path}: Invalid value: "": provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`);
  else if (more.length > 0) problems.push(`${path}: Invalid value: more than one provider specified in a single element, should split into different list elements`);
  else if (kind === 'identity') return [identity];
  else if (kind === 'aesgcm' || kind === 'aescbc' || kind === 'secretbox') {
    const [make, sizes] = PROVIDERS[kind];
    return keysOf(provider[kind]?.keys ?? [], `${path}.${kind}.keys`, { sizes, problems }).map((key) => make(key, random));
  } else problems.push(`${path}.${kind}: Unsupported value: the provider ${kind} is not supported by this server; supported values: "aescbc", "aesgcm", "secretbox", "identity"`);
  return [];
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
