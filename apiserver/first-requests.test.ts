/** The very first requests after a start: nothing is decided by what has not been read from the store yet. */
import type { ApiObject } from '../api/kind.ts';
import { openMemory } from './storage/memory.ts';
import type { Store } from './storage/store.ts';
import { openTestServer, type HttpAnswer, type TestServer } from './test-server.ts';

const NAMESPACE = '/api/v1/namespaces/default';
const encoded = (data: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString('base64')]));

describe('after a start', () => {
  let store: Store;
  let fresh: TestServer;
  let podToken: string;

  beforeAll(async () => {
    store = openMemory();
    const before = await openTestServer({ store });
    const post = async (path: string, body: object): Promise<ApiObject> => {
      const answer = await before.http('POST', path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      if (answer.code !== 201) throw new Error(answer.bytes.toString());
      return answer.json();
    };
    await post(`${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } });
    const pod = await post(`${NAMESPACE}/pods`, { metadata: { name: 'p', labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    await post(`${NAMESPACE}/pods/p/binding`, { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await before.http('PATCH', `${NAMESPACE}/pods/p/status`, { headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status }) });
    const bound = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid } } };
    podToken = ((await post(`${NAMESPACE}/serviceaccounts/default/token`, bound)) as ApiObject & { status: { token: string } }).status.token;
    await post('/apis/policy/v1/namespaces/default/poddisruptionbudgets', { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } });
    await post('/apis/networking.k8s.io/v1/ingressclasses', { metadata: { name: 'usual', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'example.com/i' } });
    await post('/api/v1/namespaces/kube-system/secrets', {
      metadata: { name: 'bootstrap-token-abcdef' }, type: 'bootstrap.kubernetes.io/token', data: encoded({ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' }),
    });
    await before.close();
  });

  beforeEach(async () => {
    fresh = await openTestServer({ store });
  });
  afterEach(() => fresh.close());
  afterAll(() => store.close());

  const whoAmI = (token: string): Promise<HttpAnswer> =>
    fresh.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{}' });

  test('a token that is bound to a pod holds', async () => {
    expect((await whoAmI(podToken)).code).toBe(201);
  });

  test('a bootstrap token holds, and one that is none does not', async () => {
    expect((await whoAmI('abcdef.0123456789abcdef')).json()).toMatchObject({ status: { userInfo: { username: 'system:bootstrap:abcdef' } } });
    expect((await whoAmI('abcdef.0123456789abcde0')).code).toBe(401);
  });

  test('an eviction meets the budget', async () => {
    const body = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } });
    expect((await fresh.http('POST', `${NAMESPACE}/pods/p/eviction`, { headers: { 'content-type': 'application/json' }, body })).code).toBe(429);
  });

  test('an Ingress gets the default class', async () => {
    const body = JSON.stringify({ metadata: { name: 'i' }, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } });
    expect((await fresh.http('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', { headers: { 'content-type': 'application/json' }, body })).json()).toMatchObject({ spec: { ingressClassName: 'usual' } });
  });
});
