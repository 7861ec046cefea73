/** Users from other issuers' tokens, and anonymity by configuration: over a socket to an issuer and to this server. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { systemClock } from '../../../std/clock.ts';
import { openTestServer, testPki, type TestServer } from '../../test-server.ts';
import { userOf } from './claims.ts';
import { parseAuthenticationConfig, type IssuerConfig } from './config.ts';
import { createJwtAuthenticator } from './jwt-authenticator.ts';

let issuer: Server;
let url = '';
let ca = '';
const keys: { kid: string; privateKey: CryptoKey; jwk: object }[] = [];
let keyReads = 0;
/** What is answered at the endpoints of claims, by path; and the tokens that these were asked with. */
const elsewhere = new Map<string, string>();
const shown: (string | undefined)[] = [];

async function addKey(kid: string): Promise<void> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  keys.push({ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } });
}

beforeAll(async () => {
  const pki = await testPki();
  ca = pki.caPem;
  const { certPem, keyPem } = await pki.servingCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });
  await addKey('one');
  issuer = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const path = request.url ?? '';
    const claims = elsewhere.get(path);
    if (path.startsWith('/claims')) shown.push(request.headers.authorization);
    if (claims !== undefined) return void response.end(claims);
    if (path === '/keys') keyReads++;
    const body = path === '/keys' ? { keys: keys.map(({ jwk }) => jwk) } : path.endsWith('openid-configuration') ? { issuer: url, jwks_uri: `${url}/keys` } : undefined;
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => issuer.close(resolve)));

function entry(more: object = {}, ofIssuer: object = {}): object {
  return { issuer: { url, audiences: ['me'], certificateAuthority: ca, ...ofIssuer }, claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: '' } }, ...more };
}

const parse = (...jwt: object[]): readonly IssuerConfig[] => parseAuthenticationConfig(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt }), ['https://own']).issuers;

async function token(claims: object, kid = 'one', times: { exp?: string; iss?: string; aud?: string | string[] } = {}): Promise<string> {
  const key = keys.find((one) => one.kid === kid);
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid }).setIssuer(times.iss ?? url).setAudience(times.aud ?? 'me').setIssuedAt().setExpirationTime(times.exp ?? '1h').sign(key?.privateKey as CryptoKey);
}

async function ready(server: { problems(): readonly string[] }): Promise<void> {
  while (server.problems().length > 0) await new Promise((resolve) => setImmediate(resolve));
}

test('a token of a configured issuer names its user, others are refused with their reason', async () => {
  const jwt = createJwtAuthenticator(parse(entry()), systemClock);
  await ready(jwt);
  expect(await jwt.verify(await token({ sub: 'jane', groups: ['dev', 'ops'] }))).toEqual({ name: 'oidc:jane', groups: ['dev', 'ops'] });
  expect(await jwt.verify(await token({ sub: 'jane', groups: 'dev' }))).toMatchObject({ groups: ['dev'] });
  await expect(jwt.verify(await token({ sub: 'a' }, 'one', { aud: 'you' }))).rejects.toThrow('oidc: verify token: oidc: expected audience "me" got ["you"]');
  await expect(jwt.verify(await token({ sub: 'a' }, 'one', { exp: '-1s' }))).rejects.toThrow('oidc: token is expired');
  await expect(jwt.verify(await token({ groups: [] }))).rejects.toThrow('oidc: parse username claims "sub": claim not present');
  await expect(jwt.verify(`${(await token({ sub: 'a' })).slice(0, -6)}AAAAAA`)).rejects.toThrow('failed to verify signature');
  expect(jwt.verify(await token({ sub: 'a' }, 'one', { iss: 'https://elsewhere' }))).toBeUndefined();
  expect(jwt.verify('no token')).toBeUndefined();
  jwt.setIssuers(parse(entry({ claimMappings: { username: { claim: 'sub', prefix: 'new:' } } })));
  expect(await jwt.verify(await token({ sub: 'jane' }))).toEqual({ name: 'new:jane', groups: [] });
  jwt.setIssuers([]);
  expect(jwt.verify(await token({ sub: 'jane' }))).toBeUndefined();
  jwt.close();
});

test('a key that is new is read once, and keys that nobody has are not asked for again and again', async () => {
  const clock = { ...systemClock, monotonic: () => at };
  let at = 0;
  const jwt = createJwtAuthenticator(parse(entry()), clock);
  await ready(jwt);
  await addKey('two');
  keyReads = 0;
  await expect(jwt.verify(await token({ sub: 'a' }, 'two'))).rejects.toThrow('failed to verify signature');
  expect(keyReads).toBe(0);
  at = 60_000;
  expect(await jwt.verify(await token({ sub: 'a' }, 'two'))).toMatchObject({ name: 'oidc:a' });
  expect(keyReads).toBe(1);
  jwt.close();
});

const claims = { sub: 'jane', email: 'j@x.io', email_verified: true, roles: ['a', ''], level: 3, nested: { id: '7' } };
test.each<[string, object, object | string]>([
  ['expressions', { claimMappings: { username: { expression: 'claims.sub + "@" + claims.nested.id' }, groups: { expression: 'claims.roles' }, uid: { expression: 'claims.nested.id' }, extra: [{ key: 'x.io/level', valueExpression: 'string(claims.level)' }, { key: 'x.io/none', valueExpression: '""' }] } }, { name: 'jane@7', groups: ['a'], uid: '7', extra: { 'x.io/level': ['3'] } }],
  ['a name that is no text', { claimMappings: { username: { expression: 'claims.level' } } }, 'username claim expression must return a string'],
  ['an empty name', { claimMappings: { username: { expression: '""' } } }, 'empty username via CEL expression is not allowed'],
  ['a claim that is not there', { claimMappings: { username: { expression: 'claims.nothing' } } }, 'no such key: nothing'],
  ['a rule on claims', { claimValidationRules: [{ expression: 'claims.level > 3', message: 'too low' }] }, "validation expression 'claims.level > 3' failed: too low"],
  ['a rule on the user', { userValidationRules: [{ expression: '!user.username.startsWith("oidc:")', message: 'reserved' }] }, "failed: reserved"],
  ['rules that hold', { claimValidationRules: [{ expression: 'claims.?email_verified.orValue(false)' }], userValidationRules: [{ expression: 'user.groups.all(g, g != "b")' }] }, { name: 'oidc:jane', groups: [] }],
  ['a required claim', { claimValidationRules: [{ claim: 'email', requiredValue: 'y' }] }, 'required claim email value does not match. Got = j@x.io, want = y'],
  ['a required claim that is missing', { claimValidationRules: [{ claim: 'hd', requiredValue: 'y' }] }, 'required claim hd not present in ID token'],
  ['an address', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { name: 'j@x.io', groups: [] }],
])('claims become users by %s', (_what, more, wanted) => {
  const [config] = parse(entry(more)) as [IssuerConfig];
  if (typeof wanted === 'string') expect(() => userOf(claims, config)).toThrow(wanted);
  else expect(userOf(claims, config)).toEqual(wanted);
});

test.each<[object, string]>([
  [entry({}, { url: 'http://x' }), 'jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https'],
  [entry({}, { url: 'https://own' }), 'URL must not overlap with disallowed issuers: [https://own]'],
  [entry({}, { url: 'https://a', discoveryURL: 'https://a/' }), 'discoveryURL must be different from URL'],
  [entry({}, { url: 'https://u:p@a?q#f' }), 'URL must not contain a username or password'],
  [entry({}, { audiences: [] }), 'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required'],
  [entry({}, { audiences: ['a', 'b'] }), 'audienceMatchPolicy must be MatchAny for multiple audiences'],
  [entry({}, { certificateAuthority: 'x' }), 'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>"'],
  [entry({}, { egressSelectorType: 'cluster' }), 'egress selectors are not supported'],
  [entry({ claimMappings: {} }), 'jwt[0].claimMappings.username: Required value: claim or expression is required'],
  [entry({ claimMappings: { username: { claim: 'sub' } } }), 'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set'],
  [entry({ claimMappings: { username: { claim: 'sub', expression: 'x' } } }), "claim and expression can't both be set"],
  [entry({ claimMappings: { username: { expression: 'claims.(' } } }), 'jwt[0].claimMappings.username.expression: Invalid value: "claims.(": compilation failed: ERROR'],
  [entry({ claimMappings: { username: { expression: 'claims.email' } } }), 'claims.email_verified must be used'],
  [entry({ claimMappings: { username: { claim: 'a', prefix: '' }, extra: [{ key: 'k8s.io/x', valueExpression: '""' }] } }), 'reserved for Kubernetes use'],
  [entry({ claimMappings: { username: { claim: 'a', prefix: '' }, extra: [{ key: 'X.io/a', valueExpression: '""' }] } }), 'must be lowercase'],
  [entry({ claimValidationRules: [{ expression: '1' }] }), 'jwt[0].claimValidationRules[0].expression: Invalid value: "1": must evaluate to bool'],
  [entry({ userValidationRules: [{ expression: 'user.nothing' }] }), 'compilation failed: ERROR'],
])('%j is refused', (jwt, why) => {
  expect(() => parse(jwt)).toThrow(why);
});

test('requests, reviews and anonymity go by the configuration', async () => {
  const server: TestServer = await openTestServer({ authentication: { issuers: parse(entry()), anonymous: { enabled: true, paths: ['/livez'] } } });
  try {
    await ready(server.server.authentication.jwt);
    const jane = await token({ sub: 'jane', groups: ['dev'] });
    const who = await server.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, headers: { Authorization: `Bearer ${jane}`, 'Content-Type': 'application/json' }, body: '{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}' });
    expect(who.json()).toMatchObject({ status: { userInfo: { username: 'oidc:jane', groups: ['dev', 'system:authenticated'] } } });
    const review = async (spec: object): Promise<unknown> => (await server.doors.direct.call({ verb: 'create', group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', body: { spec } }) as { status: unknown }).status;
    expect(await review({ token: jane })).toMatchObject({ authenticated: true, user: { username: 'oidc:jane' } });
    expect(await review({ token: await token({ sub: 'x' }, 'one', { exp: '-1h' }) })).toMatchObject({ error: expect.stringContaining('oidc: token is expired') });
    expect((await server.http('GET', '/livez', { anonymous: true })).code).toBe(200);
    expect((await server.http('GET', '/version', { anonymous: true })).code).toBe(401);
    server.server.authenticator.setAnonymous({ enabled: false, paths: [] });
    expect((await server.http('GET', '/livez', { anonymous: true })).code).toBe(401);
  } finally {
    await server.close();
  }
});

describe('groups that are kept elsewhere', () => {
  const at = (path: string, more: object = {}): object => ({ sub: 'jane', _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: `${url}${path}`, ...more } } });

  test('are asked for, with the token that the issuer gives for it', async () => {
    const jwt = createJwtAuthenticator(parse(entry()), systemClock);
    await ready(jwt);
    elsewhere.set('/claims/jane', await token({ groups: ['far', 'away'] }));
    shown.length = 0;
    const own = await token(at('/claims/jane', { access_token: 'f005ba11' }));
    expect(await jwt.verify(own)).toEqual({ name: 'oidc:jane', groups: ['far', 'away'] });
    expect(await jwt.verify(own)).toMatchObject({ groups: ['far', 'away'] });
    expect(shown).toEqual(['Bearer f005ba11']);
    // What the token says itself counts, and one that carries claims is left alone.
    expect(await jwt.verify(await token({ ...at('/claims/jane'), groups: ['near'] }))).toMatchObject({ groups: ['near'] });
    expect(await jwt.verify(await token({ sub: 'jane', _claim_names: { groups: 'a' }, _claim_sources: { a: { JWT: 'x' } } }))).toMatchObject({ groups: [] });
    expect(await jwt.verify(await token({ sub: 'jane', _claim_names: { other: 'a' }, _claim_sources: {} }))).toMatchObject({ groups: [] });
    jwt.close();
  });

  test.each<[string, () => Promise<string> | string, () => object, string | RegExp]>([
    ['of another', () => token({ groups: ['a'] }, 'one', { aud: 'you' }), () => at('/claims/x'), 'verify distributed claim token: oidc: verify token: oidc: expected audience'],
    ['late', () => token({ groups: ['a'] }, 'one', { exp: '-1s' }), () => at('/claims/x'), 'token is expired'],
    ['forged', async () => `${(await token({ groups: ['a'] })).slice(0, -6)}AAAAAA`, () => at('/claims/x'), 'failed to verify signature'],
    ['without them', () => token({ sub: 'x' }), () => at('/claims/x'), /jwt returned by distributed claim endpoint "https:.*\/claims\/x" did not contain claim: groups/],
    ['no token', () => 'boats', () => at('/claims/x'), 'getting untrusted issuer from endpoint'],
    ['of nobody', () => token({ groups: ['a'] }, 'one', { iss: 'https://127.0.0.1:1' }), () => at('/claims/x'), 'verifier not initialized for issuer: "https://127.0.0.1:1"'],
    ['nowhere', () => '', () => at('/claims/y'), 'while getting distributed claim "groups": 404'],
    ['in the open', () => '', () => ({ sub: 'a', _claim_names: { groups: 'a' }, _claim_sources: { a: { endpoint: 'http://127.0.0.1/x' } } }), 'is not of the scheme https'],
    ['without a source', () => '', () => ({ sub: 'a', _claim_names: { groups: 'a' }, _claim_sources: {} }), 'id token _claim_names contained a source a missing in _claims_sources'],
    ['without sources', () => '', () => ({ sub: 'a', _claim_names: { groups: 'a' } }), 'oidc: no claim sources'],
  ])('%s: refused', async (_name, answer, claims, why) => {
    const jwt = createJwtAuthenticator(parse(entry()), systemClock);
    await ready(jwt);
    elsewhere.set('/claims/x', await answer());
    await expect(jwt.verify(await token(claims()))).rejects.toThrow(why);
    jwt.close();
  });
});
