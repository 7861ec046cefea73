import { deepFreeze } from '../std/deep.ts';
import type { Stored } from './client.ts';
import { trimmed } from './trimmed.ts';

interface Shown {
  readonly kind: string;
  readonly metadata: { readonly labels: object; readonly name: string; readonly managedFields?: readonly object[] };
  readonly status: { readonly conditions: readonly object[]; readonly podIP: string };
}

function shown(kind: string, name: string, podIP: string): Stored<Shown> {
  const metadata = { name, namespace: 'a', uid: name, resourceVersion: '1', creationTimestamp: '', labels: { app: 'web' }, managedFields: [{ manager: 'x' }] };
  return deepFreeze({ kind, metadata, status: { conditions: [{ type: 'Ready', status: 'True' }], podIP } }) as Stored<Shown>;
}

test('trimmed() leaves out who set which field, and nothing else; what is given twice is one', () => {
  for (const kind of ['Pod', 'Node']) {
    const object = shown(kind, 'a', '10.0.0.1');
    const { managedFields: _who, ...metadata } = object.metadata;
    expect(trimmed(object)).toEqual({ ...object, metadata });
    expect(trimmed(object)).toBe(trimmed(object));
    expect(trimmed(trimmed(object))).toBe(trimmed(object));
  }
});

test('pods that say the same share it', () => {
  const [a, b] = [trimmed(shown('Pod', 'a', '10.0.0.1')), trimmed(shown('Pod', 'b', '10.0.0.2'))];
  expect(a.metadata.labels).toBe(b.metadata.labels);
  expect(a.status.conditions).toBe(b.status.conditions);
  expect([a.status.podIP, b.status.podIP]).toEqual(['10.0.0.1', '10.0.0.2']);
});
