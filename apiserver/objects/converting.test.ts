import type { ApiObject } from '../../api/kind.ts';
import { openMemory } from '../storage/memory.ts';
import { createApiServer, type ApiServer } from '../server.ts';
import { ADMIN, testPki } from '../test-server.ts';

const store = openMemory();
let server: ApiServer;
beforeAll(async () => {
  server = createApiServer({ store, pki: await testPki() });
  await server.start();
});
afterAll(async () => {
  await server.close();
  await store.close();
});

function apply(version: string, name: string, spec: object): Promise<ApiObject> {
  const body = { apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name }, spec };
  const at = { group: 'autoscaling', version, resource: 'horizontalpodautoscalers', namespace: 'default', name };
  return server.door(ADMIN).call({ ...at, verb: 'patch', patchType: 'application/apply-patch+yaml', body, query: { fieldManager: 'm', force: 'true' } }) as Promise<ApiObject>;
}

const TARGET = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } };
const metric = (name: string, target: object): object => ({ type: 'Resource', resource: { name, target } });
const MEMORY = metric('memory', { type: 'AverageValue', averageValue: '1Gi' });

test.each([
  ['which v1 has no words for', [MEMORY], [MEMORY, metric('cpu', { type: 'Utilization', averageUtilization: 60 })]],
  ['which v1 has a word for', [metric('cpu', { type: 'Utilization', averageUtilization: 50 })], [metric('cpu', { type: 'Utilization', averageUtilization: 60 })]],
])('who applied metrics in v2, %s, and goes on in v1 keeps what v1 still says', async (what, metrics, expected) => {
  const name = what.includes('no') ? 'a' : 'b';
  await apply('v2', name, { ...TARGET, maxReplicas: 5, metrics });
  await apply('v1', name, { targetCPUUtilizationPercentage: 60 });
  const now = await server.door(ADMIN).call({ group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers', namespace: 'default', name, verb: 'get' });
  expect((now as ApiObject)['spec']).toMatchObject({ metrics: expected });
});

test('what another version shows always does not go with who gave it up there', async () => {
  await apply('v2', 'c', { ...TARGET, maxReplicas: 5 });
  const at = { group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers', namespace: 'default', name: 'c' };
  await server.door(ADMIN).call({ ...at, verb: 'patch', patchType: 'application/merge-patch+json', body: { metadata: { labels: { a: 'b' } } }, query: { fieldManager: 'other' } });
  expect((await apply('v2', 'c', { maxReplicas: 6 }))['spec']).toMatchObject({ ...TARGET, maxReplicas: 6 });
});

test('what somebody gives up in one version goes from the other, although others own something there', async () => {
  await apply('v2', 'd', { ...TARGET, maxReplicas: 5 });
  const at = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers', namespace: 'default', name: 'd' };
  const other = (version: string, spec: object): Promise<unknown> => server.door(ADMIN).call({
    ...at, version, verb: 'patch', patchType: 'application/apply-patch+yaml', body: { apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'd' }, spec }, query: { fieldManager: 'other', force: 'true' },
  });
  await other('v2', { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] } } });
  await other('v1', { minReplicas: 2 });
  const now = (await server.door(ADMIN).call({ ...at, verb: 'get' })) as ApiObject;
  expect(now['spec']).toMatchObject({ ...TARGET, maxReplicas: 5, minReplicas: 2 });
  expect(Object.keys(now['spec'] as object)).not.toContain('behavior');
});
