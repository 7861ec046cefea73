import { controllers } from './all.ts';
import type { WatchSpec } from './controller.ts';

const everything = controllers({ rootCa: 'x', clusterCidr: '10.244.0.0/16', signing: { authority: { read: async () => Promise.reject(new Error()), sign: async () => '' } } });

test('controllers have names of their own', () => {
  const names = everything.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('indexes on informers that several share have one function for one name', () => {
  const known = new Map<string, unknown>();
  const clashes: string[] = [];
  for (const controller of everything) {
    if (!('reconcile' in controller)) continue;
    for (const { resource, selection = {}, indexes = {} } of controller.watches as unknown as readonly WatchSpec[]) {
      for (const [name, index] of Object.entries(indexes)) {
        const key = `${resource.resource} ${JSON.stringify(Object.entries(selection).sort())} ${name}`;
        if (known.has(key) && known.get(key) !== index) clashes.push(`${controller.name}: ${key}`);
        known.set(key, index);
      }
    }
  }
  expect(clashes).toEqual([]);
});

test('every controller that is asked for by name is there', () => {
  const names = new Set(everything.map(({ name }) => name));
  const expected = [
    'certificatesigningrequest-signing-controller', 'horizontal-pod-autoscaler-controller', 'persistentvolume-binder-controller', 'persistentvolume-expander-controller',
    'ephemeral-volume-controller', 'resourceclaim-controller', 'token-cleaner-controller', 'bootstrap-signer-controller', 'legacy-serviceaccount-token-cleaner-controller', 'service-lb-controller',
  ];
  expect(expected.filter((name) => !names.has(name))).toEqual([]);
});

test('an authority without text is published all the same, as pods wait for it', () => {
  const has = (options: Parameters<typeof controllers>[0]): boolean => controllers(options).some(({ name }) => name === 'root-ca-certificate-publisher-controller');
  expect([has({}), has({ rootCa: '' }), has({ rootCa: 'x' })]).toEqual([false, true, true]);
});
