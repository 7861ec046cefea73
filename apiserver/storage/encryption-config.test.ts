/** EncryptionConfiguration: which provider a resource gets, and what is refused. */
import { builtinKinds } from '../../api/kinds/index.ts';
import { systemRandom } from '../../std/random.ts';
import { parseEncryptionConfig } from './encryption-config.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');

function parse(resources: unknown): ReturnType<typeof parseEncryptionConfig> {
  return parseEncryptionConfig(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources }), { random: systemRandom, kinds: builtinKinds() });
}

test.each([
  ['secrets', 'k8s:enc:aescbc:v1:one:'],
  ['services/specs', 'k8s:enc:aesgcm:v1:two:'],
  ['configmaps', 'k8s:enc:aesgcm:v1:two:'],
  ['example.com/widgets', 'k8s:enc:secretbox:v1:three:'],
  ['deployments', undefined],
  ['example.com/gadgets', undefined],
])('%s is sealed as %s', (place, prefix) => {
  const policy = parse([
    { resources: ['secrets'], providers: [{ aescbc: { keys: [{ name: 'one', secret: KEY }] } }, { identity: {} }] },
    { resources: ['*.'], providers: [{ aesgcm: { keys: [{ name: 'two', secret: KEY }] } }] },
    { resources: ['widgets.example.com'], providers: [{ secretbox: { keys: [{ name: 'three', secret: KEY }] } }] },
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
  [[{ resources: ['secrets'], providers: [{ kms: { name: 'a' } }] }], 'the provider kms is not supported'],
  [[{ resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'a', secret: Buffer.alloc(16).toString('base64') }] } }] }], 'secret is not of the expected length, got 16, expected one of [32]'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'a', secret: 'AAAA' }] } }] }], 'secret is not of the expected length, got 3, expected one of [16 24 32]'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: {}, identity: {} }] }], 'more than one provider specified'],
  [[{ resources: 'secrets', providers: [{ identity: {} }] }], 'resources[0].resources: must be array'],
  [[{ resources: ['secrets'], providers: [{ identity: {}, colour: {} }] }], 'unknown field "resources[0].providers[0].colour"'],
  [[{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 7, secret: KEY }] } }] }], 'resources[0].providers[0].aesgcm.keys[0].name: must be string'],
])('%j is refused', (resources, why) => {
  expect(() => parse(resources)).toThrow(why);
});
