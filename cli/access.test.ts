/** Flags about callers and their rights: what they come to, what excludes what, and files that change. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthorizationMode } from '../apiserver/auth/authorization/config.ts';
import type { IssuerConfig } from '../apiserver/auth/jwt/config.ts';
import { VirtualClock } from '../std/clock.ts';
import type { AccessFlags } from './access-flags.ts';
import { accessOptions, followAccess } from './access.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'coracle-access-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, value: object | string): string {
  const path = join(dir, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

const authn = (more: object = {}): object => ({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: [], ...more });
const authz = (...types: string[]): object => ({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers: types.map((type) => ({ type, name: type.toLowerCase() })) });

test.each<[AccessFlags, Partial<IssuerConfig>]>([
  [{}, { algorithms: ['RS256'], username: { claim: 'sub', prefix: 'https://i#' }, groups: undefined, requiredClaims: [], audiences: ['c'] }],
  [{ oidcUsernameClaim: 'email' }, { username: { claim: 'email', prefix: '' } }],
  [{ oidcUsernamePrefix: '-' }, { username: { claim: 'sub', prefix: '' } }],
  [{ oidcUsernamePrefix: 'x:', oidcGroupsClaim: 'g', oidcGroupsPrefix: 'y:' }, { username: { claim: 'sub', prefix: 'x:' }, groups: { claim: 'g', prefix: 'y:' } }],
  [{ oidcRequiredClaim: ['a=b=c'], oidcSigningAlgs: ['ES256'] }, { requiredClaims: [{ claim: 'a', value: 'b=c' }], algorithms: ['ES256'] }],
])('%j beside an issuer', async (flags, wanted) => {
  const { authentication } = await accessOptions({ oidcIssuerUrl: 'https://i', oidcClientId: 'c', ...flags });
  expect(authentication?.issuers?.[0]).toMatchObject(wanted);
});

test.each<[() => AccessFlags, string | RegExp]>([
  [() => ({ oidcIssuerUrl: 'https://i' }), 'oidc-issuer-url and oidc-client-id must be specified together'],
  [() => ({ oidcIssuerUrl: 'http://i', oidcClientId: 'c' }), 'URL scheme must be https'],
  [() => ({ oidcIssuerUrl: 'https://i', oidcClientId: 'c', oidcSigningAlgs: ['none'] }), 'oidc: unsupported signing alg: "none"'],
  [() => ({ oidcIssuerUrl: 'https://i', oidcClientId: 'c', authenticationConfig: file('a', authn()) }), 'authentication-config file and oidc-* flags are mutually exclusive'],
  [() => ({ anonymousAuth: true, authenticationConfig: file('a', authn({ anonymous: { enabled: true } })) }), '--anonymous-auth flag cannot be set when anonymous field is configured'],
  [() => ({ authenticationConfig: join(dir, 'nothing') }), '--authentication-config'],
  [() => ({ requestheaderAllowedNames: ['a'] }), '--requestheader-* flags need --requestheader-client-ca-file'],
  [() => ({ authorizationMode: ['ABAC'] }), "authorization-mode ABAC's authorization policy file not passed"],
  [() => ({ authorizationPolicyFile: file('p', '') }), 'cannot specify --authorization-policy-file without mode ABAC'],
  [() => ({ authorizationMode: ['ABAC'], authorizationPolicyFile: file('p', '# one\n{}\n[]') }), /error reading policy file .*, line 3: \[\]: a policy is an object/],
  [() => ({ authorizationMode: ['Foo'] }), 'authorization-mode "Foo" is not a valid mode'],
  [() => ({ authorizationMode: ['RBAC'], authorizationConfig: file('z', authz('RBAC')) }), '--authorization-config can not be specified when --authorization-mode'],
])('%# is refused', async (flags, why) => {
  await expect(accessOptions(flags())).rejects.toThrow(why);
});

test.each<[AccessFlags, boolean]>([
  [{}, true],
  [{ anonymousAuth: false }, false],
  [{ authorizationMode: ['RBAC'] }, true],
  [{ authorizationMode: ['RBAC', 'AlwaysAllow'] }, false],
  [{ authorizationMode: ['AlwaysAllow'], anonymousAuth: true }, false],
])('%j: whether somebody without a name comes in', async (flags, enabled) => {
  expect((await accessOptions(flags)).authentication?.anonymous).toEqual({ enabled, paths: [] });
});

test('a file that says who may be anonymous stands above the modes', async () => {
  const { authentication } = await accessOptions({ authorizationMode: ['AlwaysAllow'], authenticationConfig: file('a', authn({ anonymous: { enabled: true } })) });
  expect(authentication?.anonymous).toEqual({ enabled: true, paths: [] });
});

test('files are read again when they change; a bad one changes nothing and is told', async () => {
  const clock = new VirtualClock();
  const flags = { authenticationConfig: file('a', authn({ anonymous: { enabled: true } })), authorizationConfig: file('z', authz('Node', 'RBAC')) };
  const set: unknown[] = [];
  const told: string[] = [];
  const server = {
    authentication: { jwt: { setIssuers: (issuers: readonly unknown[]) => set.push(['issuers', issuers.length]) } },
    authenticator: { setAnonymous: (anonymous: unknown) => set.push(anonymous) },
    authorizer: { setModes: (modes: readonly AuthorizationMode[]) => set.push(modes.map(({ type }) => type)) },
  };
  const log = { info: () => undefined, warn: () => undefined, error: (_: object, message: string) => told.push(message) };
  const following = followAccess(server as never, flags, { clock, log: log as never });
  const pass = async (): Promise<void> => {
    clock.step(60_000);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  await pass();
  expect(set).toEqual([]);
  file('a', authn({ anonymous: { enabled: false } }));
  file('z', authz('RBAC'));
  await pass();
  expect(set).toEqual([['issuers', 0], { enabled: false, paths: [] }, ['RBAC']]);
  file('a', '{');
  file('z', authz('Foo'));
  await pass();
  expect([set.length, told.length]).toEqual([3, 2]);
  following.close();
});
