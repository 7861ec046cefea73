/** EncryptionConfiguration: which provider a resource gets, and what is refused. */
import { builtinKinds } from '../../api/kinds/index.ts';
import { systemRandom } from '../../std/random.ts';
import { identity } from './encryption-ciphers.ts';
import { parseEncryptionConfig } from './encryption-config.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');

function parse(resources: unknown): ReturnType<typeof parseEncryptionConfig> {
  return parseEncryptionConfig(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources }), { random: systemRandom, kinds: builtinKinds(), kms: ({ name, endpoint, timeoutMs }) => ({ ...identity, prefix: `k8s:enc:kms:v2:${name}:${endpoint}:${timeoutMs}:` }) });
}

test.each([
  ['secrets', 'k8s:enc:aescbc:v1:one:'],
  ['services/specs', 'k8s:enc:aesgcm:v1:two:'],
  ['configmaps', 'k8s:enc:aesgcm:v1:two:'],
  ['example.com/widgets', 'k8s:enc:secretbox:v1:three:'],
  ['deployments', undefined],
  ['example.com/gadgets', undefined],
  ['leases', 'k8s:enc:kms:v2:mine:unix:///run/kms.sock:1500:'],
])('%s is sealed as %s', (place, prefix) => {
  const policy = parse([
    { resources: ['secrets'], providers: [{ aescbc: { keys: [{ name: 'one', secret: KEY }] } }, { identity: {} }] },
    { resources: ['*.'], providers: [{ aesgcm: { keys: [{ name: 'two', secret: KEY }] } }] },
    { resources: ['widgets.example.com'], providers: [{ secretbox: { keys: [{ name: 'three', secret: KEY }] } }] },
    { resources: ['leases.coordination.k8s.io'], providers: [{ kms: { apiVersion: 'v2', name: 'mine', endpoint: 'unix:///run/kms.sock', timeout: '1.5s' } }] },
    { resources: ['*.apps'], providers: [{ identity: {} }] },
  ]);
  const sealed = policy.transformerOf(place)?.seal('/x', Buffer.from('plain')).toString('latin1');
  if (prefix) expect(sealed).toMatch(new RegExp(`^${prefix}`));
  else expect(sealed ?? 'plain').toBe('plain');
});

test.each([
  [[], 'resources: Required value'],
  [[{ resources: ['secrets'], providers: [] }], 'resources[0].providers: Required value'],
  [[{ resources: ['Secrets'], providers: [{ identity: {} }] }], 'resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters'],
  [[{ resources: ['secrets', '*.'], providers: [{ identity: {} }] }], 'using overlapping resources'],
  [[{ resources: ['secrets', 'secrets'], providers: [{ identity: {} }] }], 'the same resource cannot be specified multiple times'],
  [[{ resources: ['secrets'], providers: [{ kms: { name: 'a', endpoint: 'unix:///a' } }] }], 'resources[0].providers[0].kms.apiVersion: KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v3', name: 'a', endpoint: 'unix:///a' } }] }], 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a:b', endpoint: 'unix:///a' } }] }], "invalid KMS provider name a:b, must not contain ':'"],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a', endpoint: 'unix:///a' } }, { kms: { apiVersion: 'v2', name: 'a', endpoint: 'unix:///b' } }] }], 'resources[0].providers[1].kms.name: Invalid value: "a": duplicate KMS provider name a, names must be unique'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', endpoint: 'unix:///a' } }] }], 'name is a mandatory field for a provider'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a' } }] }], 'endpoint is a mandatory field for a kms'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a', endpoint: 'tcp://a' } }] }], 'unsupported scheme "tcp" for KMS provider, only unix is supported'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a', endpoint: 'unix:///a', timeout: '0s' } }] }], 'timeout should be a positive value'],
  [[{ resources: ['secrets'], providers: [{ kms: { apiVersion: 'v2', name: 'a', endpoint: 'unix:///a', cachesize: 10 } }] }], 'cachesize is not supported in v2'],
  [[{ resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'a', secret: Buffer.alloc(16).toString('base64') }] } }] }], 'secret is not of the expected length, got 16, expected one of [32]'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'a', secret: 'AAAA' }] } }] }], 'secret is not of the expected length, got 3, expected one of [16 24 32]'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: {}, identity: {} }] }], 'more than one provider specified'],
  [[{ resources: 'secrets', providers: [{ identity: {} }] }], 'resources[0].resources: must be array'],
  [[{ resources: ['secrets'], providers: [{ identity: {}, colour: {} }] }], 'unknown field "resources[0].providers[0].colour"'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 7, secret: KEY }] } }] }], 'resources[0].providers[0].aesgcm.keys[0].name: must be string'],
])('%j is refused', (resources, why) => {
  expect(() => parse(resources)).toThrow(why);
});
