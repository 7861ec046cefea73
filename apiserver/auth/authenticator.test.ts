import { createHash, generateKeyPairSync } from 'node:crypto';
import { namespaces, nodes, pods, secrets, serviceaccounts } from '../../api/resources.ts';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import type { Credentials } from './auth.ts';
import type { RequestAuthenticator } from './authenticator.ts';
import { createAuthenticator } from './authenticator.ts';
import { FakeReader } from './fake-reader.ts';
import type { IssueOptions, ServiceAccountTokens } from './service-account-tokens.ts';
import { DEFAULT_ISSUER, type ServiceAccountSettings, openServiceAccountTokens } from './service-account-tokens.ts';

const KEYS = ['rsa', 'ec'].map((type) =>
  generateKeyPairSync(type as 'rsa', { modulusLength: 2048, namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as never),
) as unknown as { privateKey: string; publicKey: string }[];

interface World {
  readonly store: FakeReader;
  readonly clock: VirtualClock;
  readonly tokens: ServiceAccountTokens;
  readonly authenticator: RequestAuthenticator;
}

function world(key = 0, settings: ServiceAccountSettings = {}): World {
  const clock = new VirtualClock();
  const store = new FakeReader()
    .set(namespaces, { metadata: { name: 'd' } } as never)
    .set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa-1' } })
    .set(pods, { metadata: { name: 'p', namespace: 'd', uid: 'pod-1' }, spec: { nodeName: 'n1', containers: [] } } as never)
    .set(secrets, { metadata: { name: 's', namespace: 'd', uid: 'secret-1' } })
    .set(nodes, { metadata: { name: 'n1', uid: 'node-1' } } as never);
  const { privateKey, publicKey } = KEYS[key] as { privateKey: string; publicKey: string };
  const tokens = openServiceAccountTokens({ privatePem: privateKey, publicPem: publicKey, reader: store, clock, random: seededRandom(1), ...settings });
  const authenticator = createAuthenticator({ reader: store, clock, tokens, staticTokens: '# people\nsecret-a,alice,u1,"devs,ops"\nsecret-b,bob,\n' });
  return { store, clock, tokens, authenticator };
}

function options(more: Partial<IssueOptions> = {}): IssueOptions {
  return { namespace: 'd', serviceAccount: { name: 'robot', uid: 'sa-1' }, audiences: [DEFAULT_ISSUER], expirationSeconds: 3600, ...more };
}

async function show({ authenticator }: World, credentials: Credentials): Promise<unknown> {
  try {
    return await authenticator.authenticate(credentials);
  } catch (error) {
    return (error as { code?: number }).code ?? error;
  }
}

function bearer(token: string): Credentials {
  return { authorization: `Bearer ${token}` };
}

describe('authenticate()', () => {
  const rows: [string, Credentials, unknown][] = [
    ['nothing', {}, { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['another scheme', { authorization: 'Basic YTpi' }, { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['a token of nobody', bearer('nonsense'), 401],
    ['somebody else\'s JWT', bearer('eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJzb21lYm9keSJ9.c2lnbmF0dXJl'), 401],
    ['a forged JWT', bearer(`eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify({ iss: DEFAULT_ISSUER, aud: [DEFAULT_ISSUER], sub: 'x', exp: 9e9 })).toString('base64url')}.`), 401],
    ['a static token', { authorization: 'bearer secret-a' }, { name: 'alice', uid: 'u1', groups: ['devs', 'ops', 'system:authenticated'] }],
    ['a certificate', { certificate: { subject: { CN: 'kubernetes-admin', O: ['system:masters', 'x'] }, fingerprint256: 'AB:CD' } as never, ...bearer('nonsense') },
      { name: 'kubernetes-admin', groups: ['system:masters', 'x', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=abcd'] } }],
    ['a certificate with a uid', { certificate: { subject: { CN: 'jane', '1.3.6.1.4.1.57683.2': 'u-1' }, fingerprint256: 'AB' } as never },
      { name: 'jane', uid: 'u-1', groups: ['system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab'] } }],
    ['a certificate with two uids', { certificate: { subject: { CN: 'jane', '1.3.6.1.4.1.57683.2': ['a', 'b'] }, fingerprint256: 'AB' } as never }, 401],
  ];
  test.each(rows)('%s', async (_, credentials, expected) => {
    expect(await show(world(), credentials)).toEqual(expected);
  });
});

describe('ServiceAccount tokens', () => {
  test.each([0, 1])('say who, and what they are bound to (key %i)', async (key) => {
    const here = world(key);
    const token = await here.tokens.issue(options({ pod: { name: 'p', uid: 'pod-1' }, node: { name: 'n1', uid: 'node-1' } }));
    expect(await show(here, bearer(token))).toEqual({
      name: 'system:serviceaccount:d:robot',
      uid: 'sa-1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:d', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=[0-9a-f-]{36}$/)],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': ['node-1'],
        'authentication.kubernetes.io/pod-name': ['p'],
        'authentication.kubernetes.io/pod-uid': ['pod-1'],
      },
    });
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ iss: DEFAULT_ISSUER, aud: [DEFAULT_ISSUER], sub: 'system:serviceaccount:d:robot', 'kubernetes.io': { namespace: 'd', serviceaccount: { name: 'robot', uid: 'sa-1' }, pod: { name: 'p', uid: 'pod-1' }, node: { name: 'n1', uid: 'node-1' } } });
  });

  const ends: [string, Partial<IssueOptions>, (here: World) => unknown][] = [
    ['the account is deleted', {}, ({ store }) => store.delete(serviceaccounts, 'd', 'robot')],
    ['the account is another one', {}, ({ store }) => store.set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa-2' } })],
    ['its pod is deleted', { pod: { name: 'p', uid: 'pod-1' } }, ({ store }) => store.delete(pods, 'd', 'p')],
    ['its pod is another one', { pod: { name: 'p', uid: 'pod-1' } }, ({ store }) => store.set(pods, { metadata: { name: 'p', namespace: 'd', uid: 'pod-2' } } as never)],
    ['its secret is deleted', { secret: { name: 's', uid: 'secret-1' } }, ({ store }) => store.delete(secrets, 'd', 's')],
    ['its node is deleted', { node: { name: 'n1', uid: 'node-1' } }, ({ store }) => store.delete(nodes, '', 'n1')],
    ['it is too old', {}, ({ clock }) => clock.advance(3661_000)],
    ['its pod is long under deletion', { pod: { name: 'p', uid: 'pod-1' } }, async ({ store, clock }) => {
      store.set(pods, { metadata: { name: 'p', namespace: 'd', uid: 'pod-1', deletionTimestamp: new Date(clock.now()).toISOString() } } as never);
      await clock.advance(61_000);
    }],
  ];
  test.each(ends)('hold until %s', async (_, more, end) => {
    const here = world();
    const token = await here.tokens.issue(options(more));
    expect(await show(here, bearer(token))).toMatchObject({ name: 'system:serviceaccount:d:robot' });
    await end(here);
    expect(await show(here, bearer(token))).toBe(401);
  });

  test('a token bound to a pod survives its node', async () => {
    const here = world();
    const token = await here.tokens.issue(options({ pod: { name: 'p', uid: 'pod-1' }, node: { name: 'n1', uid: 'node-1' } }));
    here.store.delete(nodes, '', 'n1');
    expect(await show(here, bearer(token))).toMatchObject({ name: 'system:serviceaccount:d:robot' });
  });

  test('are for their audiences only', async () => {
    const here = world();
    const token = await here.tokens.issue(options({ audiences: ['vault', 'consul'] }));
    expect(await show(here, bearer(token))).toBe(401);
    expect(await here.authenticator.authenticateToken(token, ['vault', 'other'])).toMatchObject({ audiences: ['vault'], user: { name: 'system:serviceaccount:d:robot' } });
  });

  test('of another key are refused', async () => {
    const token = await world(1).tokens.issue(options());
    expect(await show(world(0), bearer(token))).toBe(401);
  });

  test('of another key and another issuer hold where both are named', async () => {
    const other = world(1, { issuers: ['https://old'], audiences: [DEFAULT_ISSUER] });
    const token = await other.tokens.issue(options());
    const here = world(0, { issuers: [DEFAULT_ISSUER, 'https://old'], keyPems: [(KEYS[1] as { publicKey: string }).publicKey], jwksUri: 'https://keys' });
    expect(await show(here, bearer(token))).toMatchObject({ name: 'system:serviceaccount:d:robot' });
    expect(await show(here, bearer(await here.tokens.issue(options())))).toMatchObject({ name: 'system:serviceaccount:d:robot' });
    expect(here.tokens.discovery('x')).toMatchObject({ issuer: DEFAULT_ISSUER, jwks_uri: 'https://keys' });
    expect((here.tokens.jwks()['keys'] as unknown[]).length).toBe(2);
    expect(await show(world(0, { issuers: [DEFAULT_ISSUER, 'https://old'] }), bearer(token))).toBe(401);
    expect(await show(world(0, { keyPems: [(KEYS[1] as { publicKey: string }).publicKey] }), bearer(token))).toBe(401);
  });

  test('in a Secret hold as long as the Secret has them', async () => {
    const here = world();
    const token = await here.tokens.issueForSecret({ namespace: 'd', serviceAccount: { name: 'robot', uid: 'sa-1' }, secretName: 's' });
    expect(await show(here, bearer(token))).toBe(401);
    here.store.set(secrets, { metadata: { name: 's', namespace: 'd' }, type: 'kubernetes.io/service-account-token', data: { token: Buffer.from(token).toString('base64') } });
    expect(await show(here, bearer(token))).toEqual({ name: 'system:serviceaccount:d:robot', uid: 'sa-1', groups: ['system:serviceaccounts', 'system:serviceaccounts:d', 'system:authenticated'] });
    here.store.set(secrets, { metadata: { name: 's', namespace: 'd' }, data: { token: Buffer.from('other').toString('base64') } });
    expect(await show(here, bearer(token))).toBe(401);
  });

  test('can be verified by others with the published documents', async () => {
    const { tokens } = world();
    const token = await tokens.issue(options());
    expect(tokens.discovery('192.0.2.1:6443')).toEqual({
      issuer: DEFAULT_ISSUER, jwks_uri: 'https://192.0.2.1:6443/openid/v1/jwks',
      response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
    });
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const { payload } = await jwtVerify(token, createLocalJWKSet(tokens.jwks() as never), { issuer: DEFAULT_ISSUER, currentDate: new Date(Date.UTC(2026, 0, 1)) });
    expect(payload.sub).toBe('system:serviceaccount:d:robot');
  });
});

describe('bootstrap tokens', () => {
  const encode = (data: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  const good = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', 'auth-extra-groups': 'system:bootstrappers:workers' };
  const rows: [string, Record<string, string>, unknown][] = [
    ['good', good, { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'] }],
    ['still good', { ...good, expiration: '2026-01-01T00:00:01Z' }, { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'] }],
    ['expired', { ...good, expiration: '2025-12-31T23:59:59Z' }, 401],
    ['another secret', { ...good, 'token-secret': '0123456789abcdee' }, 401],
    ['not for authentication', { ...good, 'usage-bootstrap-authentication': 'no' }, 401],
    ['a group that is none of theirs', { ...good, 'auth-extra-groups': 'system:masters' }, 401],
  ];
  test.each(rows)('%s', async (_, data, expected) => {
    const here = world();
    here.store.set(secrets, { metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data: encode(data) });
    expect(await show(here, bearer('abcdef.0123456789abcdef'))).toEqual(expected);
  });
});

test('the key id is the hash of the public key, so that it outlives a restart', async () => {
  const token = await world().tokens.issue(options());
  const { createPublicKey } = await import('node:crypto');
  const der = createPublicKey((KEYS[0] as { publicKey: string }).publicKey).export({ type: 'spki', format: 'der' });
  expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toEqual({ alg: 'RS256', kid: createHash('sha256').update(der).digest('base64url') });
});
