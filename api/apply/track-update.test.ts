import { decodeJson } from '../codec/json.ts';
import type { ApiObject } from '../kind.ts';
import { trackUpdate } from './track-update.ts';

test.each([
  ['integer', undefined],
  ['string', ['n', 'm']],
])('of a custom resource that was stored when its schema was another one, with text where there is now: %s', (type, owners) => {
  const schema = { structural: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type }, color: { type: 'string' } } } } } };
  const managedFields = [{ manager: 'n', operation: 'Update', apiVersion: 'e/v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:size': {} } } }];
  const live = { apiVersion: 'e/v1', kind: 'E', metadata: { name: 'a', managedFields }, spec: { size: '1' } } as ApiObject;
  const next = { ...live, metadata: { ...live.metadata }, spec: { size: '1', color: 'red' } } as ApiObject;
  trackUpdate({ schema, live, next, manager: 'm', apiVersion: 'e/v1', now: 0 });
  expect((next.metadata.managedFields as { manager: string }[] | undefined)?.map(({ manager }) => manager).sort()).toEqual(owners?.sort());
});

test.each([
  ['the same', {}, ['a']],
  ['an empty list inside of what is taken as a whole', { nonResourceURLs: [] }, ['b']],
])('who owns a list after somebody else has sent %s', (_, more, owners) => {
  const schema = { type: 'io.k8s.api.rbac.v1.Role' };
  const role = (rule: object): ApiObject => {
    const text = JSON.stringify({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], ...rule }] });
    return decodeJson(schema, text).object as ApiObject;
  };
  const live = role({});
  trackUpdate({ schema, live: undefined, next: live, manager: 'a', apiVersion: live.apiVersion, now: 0 });
  const next = role(more);
  trackUpdate({ schema, live, next, manager: 'b', apiVersion: live.apiVersion, now: 1000 });
  expect((next.metadata.managedFields as { manager: string }[]).map(({ manager }) => manager)).toEqual(owners);
});

test('an empty list in what is no whole changes nothing', () => {
  const schema = { type: 'io.k8s.api.core.v1.Service' };
  const service = (status: object): ApiObject => decodeJson(schema, JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', labels: { a: 'b' } }, status })).object as ApiObject;
  const live = service({});
  trackUpdate({ schema, live: undefined, next: live, manager: 'a', apiVersion: 'v1', now: 0 });
  const next = service({ loadBalancer: { ingress: [] } });
  trackUpdate({ schema, live, next, manager: 'b', apiVersion: 'v1', subresource: 'status', now: 0 });
  expect((next.metadata.managedFields as { manager: string }[]).map(({ manager }) => manager)).toEqual(['a']);
});
