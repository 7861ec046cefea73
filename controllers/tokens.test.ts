import { configmaps, pods, secrets, serviceaccounts } from '../api/resources.ts';
import { bootstrapSignerController, detachedSignature, tokenCleanerController } from './bootstrap-tokens.ts';
import { NOW, item, reconciled, shown, type Item } from './fake-view.ts';
import { legacyTokenCleaner } from './legacy-token-cleaner.ts';
import { serviceAccountTokenController } from './serviceaccount-token.ts';

const DAY = 24 * 3_600_000;
const encode = (data: Record<string, string>) => Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
const token = (id: string, data: Record<string, string> = {}) =>
  item(secrets, { metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data: encode({ 'token-id': id, 'token-secret': 'secret', 'usage-bootstrap-signing': 'true', ...data }) });
const at = (ms: number) => new Date(NOW + ms).toISOString();

test.each<[string, Record<string, string>, string[], number | undefined]>([
  ['over', { expiration: at(-1) }, ['delete secrets kube-system/bootstrap-token-abc'], undefined],
  ['of no time at all', { expiration: 'soon' }, ['delete secrets kube-system/bootstrap-token-abc'], undefined],
  ['valid', { expiration: at(5000) }, [], 5000],
  ['for ever', {}, [], undefined],
])('a bootstrap token that is %s', (_, data, expected, wait) => {
  const outcome = reconciled(tokenCleanerController, 'kube-system/bootstrap-token-abc', [token('abc', data)]);
  expect([shown(outcome.actions), outcome.requeueAfterMs]).toEqual([expected, wait]);
});

test('valid tokens sign the cluster-info, signatures of others go', () => {
  const info = (data: Record<string, string>) => item(configmaps, { metadata: { name: 'cluster-info', namespace: 'kube-public' }, data });
  const items = [token('abc'), token('def', { expiration: at(-1) }), token('ghi', { 'usage-bootstrap-signing': 'false' })];
  const [action] = reconciled(bootstrapSignerController, 'cluster-info', [info({ kubeconfig: 'x', 'jws-kubeconfig-old': 'y' }), ...items]).actions;
  const signed = { kubeconfig: 'x', 'jws-kubeconfig-abc': detachedSignature('x', { id: 'abc', secret: 'secret' }) };
  expect(action?.do === 'update' && (action.object as { data: object }).data).toEqual(signed);
  expect(reconciled(bootstrapSignerController, 'cluster-info', [info(signed), ...items]).actions).toEqual([]);
});

test('a detached signature is a JWS with its content left out', () => {
  // Computed with another implementation: HS256 over {"alg":"HS256","kid":"abc"} and "x".
  expect(detachedSignature('x', { id: 'abc', secret: 'secret' }).split('.').slice(0, 2)).toEqual([Buffer.from('{"alg":"HS256","kid":"abc"}').toString('base64url'), '']);
});

const tracking = (since: string) => item(configmaps, { metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' }, data: { since } });
const account = item(serviceaccounts, { metadata: { name: 'sa' }, secrets: [{ name: 'old' }] });
const secret = (labels: Record<string, string>, name = 'old') =>
  item(secrets, { metadata: { name, creationTimestamp: '2020-01-01T00:00:00Z', labels, annotations: { 'kubernetes.io/service-account.name': 'sa', 'kubernetes.io/service-account.uid': 'uid-sa' } }, type: 'kubernetes.io/service-account-token' });
const user = item(pods, { metadata: { name: 'p' }, spec: { containers: [], volumes: [{ name: 'v', secret: { secretName: 'old' } }] } });

test.each<[string, Item[], string | undefined]>([
  ['is marked first', [tracking('2020-01-01'), account, secret({})], 'patch secrets a/old {"metadata":{"uid":"uid-old","labels":{"kubernetes.io/legacy-token-invalid-since":"2026-01-01"}}}'],
  ['goes after the same time again', [tracking('2020-01-01'), account, secret({ 'kubernetes.io/legacy-token-invalid-since': '2024-01-01' })], 'delete secrets a/old'],
  ['stays for now when just marked', [tracking('2020-01-01'), account, secret({ 'kubernetes.io/legacy-token-invalid-since': '2025-12-01' })], undefined],
  ['stays when it is used', [tracking('2020-01-01'), account, secret({ 'kubernetes.io/legacy-token-last-used': '2025-12-01' })], undefined],
  ['stays when a pod mounts it', [tracking('2020-01-01'), account, secret({}), user], undefined],
  ['stays when a volume of another kind reads it', [tracking('2020-01-01'), account, secret({}), item(pods, { metadata: { name: 'q' }, spec: { containers: [], volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 'old' } } }] } })], undefined],
  ['stays when somebody made it by hand', [tracking('2020-01-01'), account, secret({}, 'manual')], undefined],
  ['stays while nothing is known of its use', [account, secret({})], undefined],
  ['stays until use has been watched long enough', [tracking('2025-06-01'), account, secret({})], undefined],
])('an unused token %s', (_, items, expected) => {
  expect(shown(reconciled(legacyTokenCleaner({ cleanUpPeriodMs: 365 * DAY }), 'tokens', items).actions)).toEqual(expected ? [expected] : []);
});

test.each<[string, Item[], number, string[]]>([
  ['with its account stays', [account, secret({})], 5000, []],
  ['of no account goes, after a moment', [secret({})], 5000, ['delete secrets a/old']],
  ['whose account may be on its way stays', [secret({})], 500, []],
  ['of an older account of the same name goes', [item(serviceaccounts, { metadata: { name: 'sa', uid: 'newer' } }), secret({})], 5000, ['delete secrets a/old']],
])('a token Secret %s', (_, items, afterMs, expected) => {
  const controller = serviceAccountTokenController();
  reconciled(controller, 'a/old', items);
  expect(shown(reconciled(controller, 'a/old', items, NOW + afterMs).actions)).toEqual(expected);
});

test('an account does not list a token Secret any more that has gone', () => {
  const controller = serviceAccountTokenController();
  const listing = item(serviceaccounts, { metadata: { name: 'sa' }, secrets: [{ name: 'other' }, { name: 'old' }] });
  expect(shown(reconciled(controller, 'a/old', [listing]).actions)).toEqual([]);
  reconciled(controller, 'a/old', [listing, secret({})]);
  const { actions } = reconciled(controller, 'a/old', [listing]);
  expect(actions).toMatchObject([{ do: 'update', object: { metadata: { name: 'sa' }, secrets: [{ name: 'other' }] } }]);
  const renewed = item(serviceaccounts, { metadata: { name: 'sa', uid: 'newer' }, secrets: [{ name: 'old' }] });
  expect(shown(reconciled(controller, 'a/old', [renewed]).actions)).toEqual([]);
});
