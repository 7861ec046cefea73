/** Which names a definition gets. */
import type { CustomResourceDefinition } from '../../api/types/apiextensions.v1.ts';
import { settleNames, takenNames } from './naming.ts';

const names = { plural: 'jars', singular: 'jar', kind: 'Jar', listKind: 'JarList', shortNames: ['j'] };
const NOW = Date.parse('2030-01-01T00:00:00Z');

function definition(status?: object, group = 'example.com'): CustomResourceDefinition {
  return { metadata: { name: `jars.${group}` }, spec: { group, names, scope: 'Cluster', versions: [] }, ...(status && { status }) } as never as CustomResourceDefinition;
}

const told = (one: CustomResourceDefinition): string[] => (one.status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);

test('settleNames() accepts free names and establishes the definition, once', () => {
  const one = definition();
  expect(settleNames(one, takenNames([]), NOW)).toBe(true);
  expect(one.status?.acceptedNames).toEqual(names);
  expect(told(one)).toEqual(['NamesAccepted True NoConflicts', 'Established True InitialNamesAccepted']);
  expect(settleNames(one, takenNames([]), NOW + 5_000)).toBe(false);
});

test.each<[string, object, string, string]>([
  ['a kind', { plural: 'x', kind: 'Jar' }, 'KindConflict', '"Jar" is already in use'],
  ['a short name that is a plural', { plural: 'j', kind: 'X' }, 'ShortNamesConflict', '"j" is already in use'],
  ['a list kind that is a kind', { plural: 'x', kind: 'JarList' }, 'ListKindConflict', '"JarList" is already in use'],
])('settleNames() refuses %s that is taken', (_what, acceptedNames, reason, message) => {
  const one = definition();
  settleNames(one, takenNames([{ status: { acceptedNames } as never }]), NOW);
  expect(told(one)).toEqual([`NamesAccepted False ${reason}`, 'Established False NotAccepted']);
  expect(one.status?.conditions[0]?.message).toBe(message);
});

test('settleNames() keeps an established definition established when a new name is taken, and tells when it is free again', () => {
  const one = definition();
  settleNames(one, takenNames([]), NOW);
  one.spec.names = { ...names, shortNames: ['j', 'k'] };
  settleNames(one, takenNames([{ status: { acceptedNames: { plural: 'k', kind: 'K' } } as never }]), NOW);
  expect(told(one)).toEqual(['NamesAccepted False ShortNamesConflict', 'Established True InitialNamesAccepted']);
  expect(one.status?.acceptedNames.shortNames).toEqual(['j']);
  settleNames(one, takenNames([]), NOW);
  expect(one.status?.acceptedNames.shortNames).toEqual(['j', 'k']);
});

test('settleNames() says whether a protected group is approved', () => {
  const one = definition(undefined, 'jars.k8s.io');
  one.metadata.annotations = { 'api-approved.kubernetes.io': 'unapproved, experimental' };
  settleNames(one, takenNames([]), NOW);
  expect(told(one)).toContain('KubernetesAPIApprovalPolicyConformant False UnapprovedAnnotation');
});

test('settleNames() does not establish what a webhook with wrong authorities would convert', () => {
  const one = definition();
  one.spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { caBundle: 'aGk=' } } };
  settleNames(one, takenNames([]), NOW);
  expect(told(one)).toEqual(['NamesAccepted True NoConflicts', 'Established False InvalidCABundle']);
});
