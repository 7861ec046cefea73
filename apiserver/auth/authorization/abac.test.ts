/** Policies of attribute-based access control: which lines mean what, and what they allow. */
import type { Attributes } from '../auth.ts';
import { createAuthorizer } from '../authorizer.ts';
import { FakeReader } from '../fake-reader.ts';
import { abacAuthorizer, parseAbacPolicies } from './abac.ts';
import { modesOf } from './config.ts';

const line = (spec: object): string => JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });

function asked(text: string, groups: readonly string[] = ['system:authenticated']): Attributes {
  const [name = '', verb = '', what = '', namespace = ''] = text.split(' ');
  const isPath = what.startsWith('/');
  const [resource = '', group = ''] = what.split(/\.(.*)/s);
  return { user: { name, groups }, verb, group: isPath ? '' : group, version: 'v1', resource: isPath ? '' : resource, subresource: '', namespace, name: '', path: isPath ? what : '' };
}

test.each<[string, string, boolean, (readonly string[])?]>([
  [line({ user: 'anna', resource: 'pods', namespace: 'a' }), 'anna create pods a', true],
  [line({ user: 'anna', resource: 'pods', namespace: 'a' }), 'anna create pods b', false],
  [line({ user: 'anna', resource: 'pods', namespace: 'a' }), 'fred create pods a', false],
  [line({ user: 'anna', resource: 'pods', namespace: 'a' }), 'anna create deployments.apps a', false],
  [line({ user: 'anna', resource: '*', namespace: '*', apiGroup: 'apps' }), 'anna create deployments.apps a', true],
  [line({ user: 'anna', resource: '*', namespace: '*', apiGroup: 'apps' }), 'anna create pods a', false],
  [line({ user: 'anna', resource: '*', namespace: '*', apiGroup: '*' }), 'anna delete nodes', true],
  [line({ user: 'anna', resource: 'nodes' }), 'anna delete nodes', true],
  [line({ user: 'anna', resource: 'pods', namespace: 'a', readonly: true }), 'anna create pods a', false],
  [line({ user: 'anna', resource: 'pods', namespace: 'a', readonly: true }), 'anna watch pods a', true],
  [line({ user: 'anna', resource: '*', namespace: '*', apiGroup: '*' }), 'anna get /version', false],
  [line({ user: 'anna', nonResourcePath: '*' }), 'anna get pods a', false],
  [line({ user: 'anna', nonResourcePath: '/heal*' }), 'anna get /healthz', true],
  [line({ user: 'anna', nonResourcePath: '/healthz' }), 'anna get /healthz/ping', false],
  [line({ user: 'anna', nonResourcePath: '/x', readonly: true }), 'anna post /x', false],
  [line({ resource: '*', namespace: '*', apiGroup: '*' }), 'anna get pods a', false],
  [line({ group: 'dev', resource: 'pods', namespace: 'a' }), 'anna get pods a', true, ['dev']],
  [line({ group: 'dev', user: 'fred', resource: 'pods', namespace: 'a' }), 'anna get pods a', false, ['dev']],
  [line({ group: 'dev', user: 'anna', resource: 'pods', namespace: 'a' }), 'anna get pods a', false, ['ops']],
  [line({ user: '*', resource: 'pods', namespace: 'a' }), 'anna get pods a', true],
  [line({ user: '*', resource: 'pods', namespace: 'a' }), 'system:anonymous get pods a', false, ['system:unauthenticated']],
  [line({ group: '*', resource: 'pods', namespace: 'a' }), 'system:anonymous get pods a', false, ['system:unauthenticated']],
  ['{"user":"anna"}', 'anna delete deployments.apps a', true],
  ['{"user":"anna"}', 'anna get /x', true],
  ['{"user":"anna","resource":"pods"}', 'anna get /x', false],
  ['{"user":"anna","resource":"pods","readonly":true}', 'anna delete pods a', false],
  ['{"namespace":"a"}', 'fred get pods a', true],
  ['{"namespace":"a"}', 'fred get pods b', false],
  ['{"user":"*"}', 'system:anonymous get pods a', false, ['system:unauthenticated']],
])('%s: %s is %s', (text, question, allowed, ...[groups]) => {
  const authorizer = abacAuthorizer(parseAbacPolicies(`# comment\n\n  ${text}\r\n`, 'f'));
  expect(authorizer.authorize(asked(question, groups))).toEqual(allowed ? { decision: 'allow', reason: '' } : { decision: 'no-opinion', reason: 'No policy matched.' });
});

test.each([
  ['{', 'error reading policy file /p, line 2: {: '],
  ['{"kind":"Policy"}', 'no kind "Policy" is registered for version ""'],
  ['{"apiVersion":"v1","kind":"Pod"}', 'no kind "Pod" is registered for version "v1"'],
  [line({ user: 7 }), 'cannot unmarshal number into field user of type string'],
  ['{"readonly":"yes"}', 'cannot unmarshal string into field readonly of type bool'],
])('%s is refused', (text, why) => {
  expect(() => parseAbacPolicies(`#\n${text}\n`, '/p')).toThrow(why);
});

test('beside others it has its say, and tells what somebody may', () => {
  const policies = parseAbacPolicies([line({ user: 'anna', resource: 'pods', namespace: 'a', readonly: true }), line({ user: 'anna', nonResourcePath: '/logs/*', namespace: '*' }), line({ user: 'fred', resource: '*', namespace: '*' })].join('\n'), 'f');
  const authorizer = createAuthorizer(new FakeReader(), { modes: modesOf({ modes: ['RBAC', 'ABAC'], policies }) });
  expect(authorizer.authorize(asked('anna get pods a'))).toMatchObject({ decision: 'allow' });
  expect(authorizer.authorizeNow(asked('anna delete pods a'))).toEqual({ decision: 'no-opinion', reason: 'No policy matched.' });
  expect(authorizer.authorize(asked('root delete nodes', ['system:masters']))).toMatchObject({ decision: 'allow' });
  expect(authorizer.rulesFor({ name: 'anna', groups: [] }, 'a')).toEqual({
    resource: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] }], nonResource: [{ verbs: ['*'], nonResourceURLs: ['/logs/*'] }],
  });
  expect(authorizer.rulesFor({ name: 'anna', groups: [] }, 'b')).toMatchObject({ resource: [] });
});
