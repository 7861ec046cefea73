import { parentManagedFields, scaleManagedFields } from './scale.ts';
import { serverSideApply } from './server-side-apply.ts';

const PATHS = { 'apps/v1': ['spec', 'replicas'] };
const entry = (manager: string, operation: string, fields: object, more: object = {}): object => ({ manager, operation, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': fields }, ...more });
const owners = (fields: unknown[] | undefined): string[] => ((fields ?? []) as { manager: string; operation: string; time?: string; fieldsV1: object }[]).map(({ manager, operation, time, fieldsV1 }) => `${manager} ${operation} ${time ?? '-'} ${JSON.stringify(fieldsV1)}`);
const TIME = '2020-01-01T00:00:00Z';

test('parentManagedFields() leaves replicas to who applied them, and gives them anew, without a time, to who updated them', () => {
  const parent = [
    entry('applier', 'Apply', { 'f:paused': {}, 'f:replicas': {} }, { time: TIME }),
    entry('updater', 'Update', { 'f:paused': {}, 'f:replicas': {} }, { time: TIME }),
  ];
  expect(owners(parentManagedFields(parent, scaleManagedFields(parent, PATHS), 'apps/v1', PATHS))).toEqual([
    `applier Apply ${TIME} {"f:spec":{"f:paused":{},"f:replicas":{}}}`,
    'updater Update - {"f:spec":{"f:replicas":{}}}',
    `updater Update ${TIME} {"f:spec":{"f:paused":{}}}`,
  ]);
});

test('serverSideApply() makes an object of a body that says nothing of itself', () => {
  const applied = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 1 } } as never;
  const made = serverSideApply({ schema: { type: 'io.k8s.api.apps.v1.Deployment' }, live: undefined, applied, manager: 'm', force: false, apiVersion: 'apps/v1', now: 0 });
  expect(made.metadata.name).toBeUndefined();
  expect(made.metadata.managedFields).toHaveLength(1);
});
