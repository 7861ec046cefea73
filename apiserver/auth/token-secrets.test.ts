import { secrets, serviceaccounts } from '../../api/resources.ts';
import { FakeReader } from './fake-reader.ts';
import { followTokenSecrets } from './token-secrets.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const text = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function follow(store: FakeReader): { close(): void } {
  const tokens = { issueForSecret: async ({ serviceAccount, secretName }: { serviceAccount: { name: string; uid: string }; secretName: string }) => `${serviceAccount.name}:${serviceAccount.uid}:${secretName}` };
  return followTokenSecrets({ reader: store, writer: store, tokens, caPem: 'CA', onError: (error) => { throw error; } });
}

test('a Secret is filled once its account is there, whichever comes first, and written once', async () => {
  const store = new FakeReader().set(secrets, { metadata: { name: 't', namespace: 'd', annotations: { [NAME]: 'robot' } }, type: TYPE });
  follow(store);
  await settled();
  expect(store.writes).toBe(0);
  store.set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa-1' } });
  await settled();
  const filled = store.get(secrets, 'd', 't');
  expect(filled?.metadata.annotations).toEqual({ [NAME]: 'robot', [UID]: 'sa-1' });
  expect(Object.fromEntries(Object.entries(filled?.data ?? {}).map(([key, value]) => [key, text(value)]))).toEqual({ token: 'robot:sa-1:t', 'ca.crt': 'CA', namespace: 'd' });
  await settled();
  expect(store.writes).toBe(1);
});

test('other Secrets, and those of another account of the same name, are left alone', async () => {
  const store = new FakeReader()
    .set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa-2' } })
    .set(secrets, { metadata: { name: 'plain', namespace: 'd', annotations: { [NAME]: 'robot' } }, type: 'Opaque' })
    .set(secrets, { metadata: { name: 'old', namespace: 'd', annotations: { [NAME]: 'robot', [UID]: 'sa-1' } }, type: TYPE });
  follow(store);
  await settled();
  expect(store.writes).toBe(0);
});

test('what was taken away comes back, the token stays', async () => {
  const store = new FakeReader().set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa-1' } });
  const following = follow(store);
  const kept = Buffer.from('kept').toString('base64');
  store.set(secrets, { metadata: { name: 't', namespace: 'd', annotations: { [NAME]: 'robot', [UID]: 'sa-1' } }, type: TYPE, data: { token: kept } });
  await settled();
  expect(store.get(secrets, 'd', 't')?.data).toMatchObject({ token: kept, 'ca.crt': Buffer.from('CA').toString('base64') });
  following.close();
  store.set(secrets, { metadata: { name: 'u', namespace: 'd', annotations: { [NAME]: 'robot' } }, type: TYPE });
  await settled();
  expect(store.get(secrets, 'd', 'u')?.data).toBeUndefined();
});
