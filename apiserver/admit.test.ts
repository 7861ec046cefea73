import type { ApiObject, Kind } from '../api/kind.ts';
import { forbidden } from '../api/status.ts';
import { Admission } from './admit.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission/admission.ts';

const request = { operation: 'CREATE', kind: { group: '', plural: 'pods' } as Kind, object: { metadata: {} } as ApiObject } as AdmissionRequest;
const later = (run: () => void): Promise<void> => new Promise((resolve) => setImmediate(resolve)).then(run);

/** Plugins that tell what is done with them; `waits` names those that take their time, `refuses` the one that says no. */
function scene(names: readonly string[], { waits = [], refuses, again }: { readonly waits?: readonly string[]; readonly refuses?: string; readonly again?: string }): { readonly admission: Admission; readonly told: string[] } {
  const told: string[] = [];
  const plugin = (name: string): AdmissionPlugin => {
    const act = (what: string, pass?: MutationPass): void | Promise<void> => {
      const run = (): void => {
        told.push(`${what} ${name}`);
        if (pass && name === again) pass.again = true;
        if (name === refuses) throw forbidden({ group: '', resource: 'pods', name: 'p' }, name);
      };
      return waits.includes(name) ? later(run) : run();
    };
    return { name, handles: () => true, mutate: (_, pass) => act(pass.round === 0 ? 'mutate' : 'again', pass), validate: () => act('validate'), undo: () => void told.push(`undo ${name}`) };
  };
  return { admission: new Admission(names.map(plugin)), told };
}

test('all are asked again once where one asks for it', async () => {
  const { admission, told } = scene(['a', 'b'], { again: 'a' });
  await admission.mutate(request);
  await admission.validate(request);
  expect(told).toEqual(['mutate a', 'mutate b', 'again a', 'again b', 'validate a', 'validate b']);
});

test('who comes after a plugin that waits is asked after it, and the second round after the first', async () => {
  const { admission, told } = scene(['a', 'b', 'c'], { waits: ['b'], again: 'c' });
  await admission.mutate(request);
  await admission.validate(request);
  expect(told).toEqual(['mutate a', 'mutate b', 'mutate c', 'again a', 'again b', 'again c', 'validate a', 'validate b', 'validate c']);
});

test.each<[string, readonly string[]]>([
  ['at once', []],
  ['after a wait', ['c']],
  ['after another has waited', ['a']],
])('a refusal %s undoes what those before had charged, and nobody else is asked', async (_, waits) => {
  const { admission, told } = scene(['a', 'b', 'c', 'd'], { waits, refuses: 'c' });
  await expect(admission.validate(request)).rejects.toThrow('is forbidden: c');
  expect(told).toEqual(['validate a', 'validate b', 'validate c', 'undo a', 'undo b']);
});
