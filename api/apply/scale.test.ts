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

test('parentManagedFields() takes replicas from an applier only when it has nothing left in the Scale', () => {
  const parent = [entry('applier', 'Apply', { 'f:replicas': {} }, { subresource: 'scale' })];
  const scale = (fields: object): object => ({ manager: 'applier', operation: 'Apply', apiVersion: 'autoscaling/v1', subresource: 'scale', fieldsType: 'FieldsV1', fieldsV1: fields });
  const after = (fields: object): string[] => owners(parentManagedFields(parent, [scale(fields)], 'apps/v1', PATHS));
  expect(after({ 'f:spec': {} })).toEqual(['applier Apply - {"f:spec":{"f:replicas":{}}}']);
  expect(owners(parentManagedFields(parent, [], 'apps/v1', PATHS))).toEqual([]);
});

test('serverSideApply() makes an object of a body that says nothing of itself', () => {
  const applied = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 1 } } as never;
  const made = serverSideApply({ schema: { type: 'io.k8s.api.apps.v1.Deployment' }, live: undefined, applied, manager: 'm', force: false, apiVersion: 'apps/v1', now: 0 });
  expect(made.metadata.name).toBeUndefined();
  expect(made.metadata.managedFields).toHaveLength(1);
});
