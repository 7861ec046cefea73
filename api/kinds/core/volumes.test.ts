import { createErrors, kindOf, updateErrors } from '../testing.ts';

const volume = (key: string, values = ['b']): object => ({
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], nfs: { server: 's', path: '/' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values }] }] } } },
});

test.each([
  ['failure-domain.beta.kubernetes.io/zone', volume('topology.kubernetes.io/zone'), 0],
  ['beta.kubernetes.io/os', volume('kubernetes.io/arch'), 1],
  ['topology.kubernetes.io/zone', volume('failure-domain.beta.kubernetes.io/zone'), 1],
  ['beta.kubernetes.io/os', volume('kubernetes.io/os', ['c']), 1],
])('a volume bound to nodes by %s may say so by the stable label, and nothing else', (before, after, errors) => {
  expect(updateErrors(kindOf('PersistentVolume'), volume(before), after).filter((error) => error.startsWith('nodeAffinity'))).toHaveLength(errors);
});

test('a claim without a group of its source gets none that is no name', () => {
  const claim = (apiGroup: string | null): object => ({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSourceRef: { apiGroup, kind: 'PersistentVolumeClaim', name: 'p' } } });
  expect(updateErrors(kindOf('PersistentVolumeClaim'), claim(null), claim('A_B')).filter((error) => error.startsWith('spec.dataSourceRef.apiGroup'))).toHaveLength(1);
  expect(updateErrors(kindOf('PersistentVolumeClaim'), claim('C_D'), claim('A_B')).filter((error) => error.startsWith('spec.dataSourceRef.apiGroup'))).toHaveLength(0);
});

test('what is allocated of a claim is an amount', () => {
  const claim = (more: object): object => ({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }, ...more });
  expect(createErrors(kindOf('PersistentVolumeClaim'), claim({}))).toEqual([]);
  expect(updateErrors(kindOf('PersistentVolumeClaim'), claim({}), claim({ status: { allocatedResources: { storage: '-1' } } }), 'status')).toEqual([]);
});
