import { openTestServer, type TestServer } from '../test-server.ts';

let it: TestServer;
beforeAll(async () => {
  it = await openTestServer();
});
afterAll(() => it.close());

/** Pods are always there to be watched; a bookmark ends what there is at first. */
async function bookmark(path: string): Promise<Record<string, unknown>> {
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone';
  const { bytes } = await it.http('GET', `${path}?${query}`);
  const [first = ''] = bytes.toString().split('\n');
  const { metadata, ...object } = (JSON.parse(first) as { object: { metadata: { annotations: object } } }).object;
  return { ...object, annotations: metadata.annotations };
}

const END = { 'k8s.io/initial-events-end': 'true' };
const template = { metadata: {}, spec: { containers: null } };

test.each([
  ['/api/v1/pods', { apiVersion: 'v1', kind: 'Pod', spec: { containers: null }, status: {}, annotations: END }],
  ['/api/v1/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', annotations: END }],
  ['/apis/apps/v1/replicasets', { apiVersion: 'apps/v1', kind: 'ReplicaSet', spec: { replicas: 0, selector: null, template }, status: { replicas: 0 }, annotations: END }],
  ['/apis/apps/v1/daemonsets', expect.objectContaining({ kind: 'DaemonSet', annotations: { ...END, 'deprecated.daemonset.template.generation': '0' } })],
  ['/apis/autoscaling/v1/horizontalpodautoscalers', { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', spec: { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } }, status: { currentReplicas: 0, desiredReplicas: 0 }, annotations: END }],
])('a bookmark of %s is an object in which nothing stands', async (path, expected) => {
  expect(await bookmark(path)).toEqual(expected);
});
