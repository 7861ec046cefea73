/** What lists, watches and the paths around them answer: rows of requests against one server. */
import { openTestServer, type TestServer } from './test-server.ts';

let it: TestServer;
const versions: Record<string, string> = {};
beforeAll(async () => {
  it = await openTestServer();
  for (const name of ['a', 'b', 'c', 'd']) {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: { even: String(name === 'b' || name === 'd') } } });
    const made = await it.http('POST', SECRETS, { body, headers: { 'Content-Type': 'application/json' } });
    versions[`$${name}`] = made.json().metadata.resourceVersion as string;
  }
});
afterAll(() => it.close());

const SECRETS = '/api/v1/namespaces/default/secrets';
const withVersions = (path: string): string => path.replace(/\$[a-d]/g, (name) => versions[name] ?? '');
const token = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Names, and whether there is more. */
test.each([
  ['limit=2', 'a b …'],
  ['limit=2&labelSelector=even%3Dtrue', 'b d'],
  // Whether what is left matches is not looked at.
  ['limit=1&labelSelector=even%3Dfalse', 'a …'],
  ['limit=2&labelSelector=even%3Dfalse', 'a c …'],
  ['limit=1&resourceVersion=0', 'a b c d'],
  ['limit=1&fieldSelector=metadata.name%3Db', 'b'],
  ['limit=1&resourceVersion=$b', 'a …'],
  ['limit=3&resourceVersion=$b', 'a b'],
  ['limit=3&resourceVersion=$b&fieldSelector=metadata.name%3Dd', 'd'],
  ['resourceVersion=$b', 'a b c d'],
  ['resourceVersion=0$b&resourceVersionMatch=Exact', 'a b'],
  ['fieldSelector=%3D', 'a b c d'],
  [`limit=1&continue=${token({ V: 'meta.k8s.io/v1', rv: -1, START: 'default/b' })}`, 'b …'],
])('a list with %s has %s', async (query, expected) => {
  const list = (await it.http('GET', `${SECRETS}?${withVersions(query)}`)).json();
  const more = (list.metadata as { continue?: string }).continue ? ' …' : '';
  expect(list.items.map(({ metadata }) => metadata.name).join(' ') + more).toBe(expected);
});

const INVALID = 'invalid continue token: continue key is not valid: ';
const NUMBER = (text: string, why: string): string => `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": ${why}`;
test.each([
  ['GET', `${SECRETS}?continue=abc`, 400, `${INVALID}invalid character 'i' looking for beginning of value`],
  ['GET', `${SECRETS}?continue=%25`, 400, `${INVALID}illegal base64 data at input byte 0`],
  ['GET', `${SECRETS}?continue=${token({ v: 'meta.k8s.io/v2' })}`, 400, `${INVALID}server does not recognize this encoded version meta.k8s.io/v2`],
  ['GET', `${SECRETS}?continue=${token({ v: 'meta.k8s.io/v1', start: 'a' })}`, 400, `${INVALID}incorrect encoded start resourceVersion (version meta.k8s.io/v1)`],
  ['GET', `${SECRETS}?continue=${token({ v: 'meta.k8s.io/v1', rv: -1 })}`, 400, `${INVALID}encoded start key empty (version meta.k8s.io/v1)`],
  ['GET', `${SECRETS}?continue=${token({ v: 'meta.k8s.io/v1', rv: -1, start: 'a//b' })}`, 400, `${INVALID}a//b`],
  ['GET', `${SECRETS}?continue=${token({ v: 'meta.k8s.io/v1', rv: 'x', start: 'a' })}`, 400, `${INVALID}json: cannot unmarshal string into Go struct field continueToken.rv of type int64`],
  ['GET', `${SECRETS}?resourceVersion=x`, 400, `invalid resource version: ${NUMBER('x', 'invalid syntax')}`],
  ['GET', `${SECRETS}?resourceVersion=99999999999999999999`, 400, `invalid resource version: ${NUMBER('99999999999999999999', 'value out of range')}`],
  ['GET', `${SECRETS}?limit=99999999999999999999`, 400, 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
  ['DELETE', `${SECRETS}/none?gracePeriodSeconds=+5x`, 400, 'strconv.ParseInt: parsing " 5x": invalid syntax'],
  ['GET', `/api/v1/namespaces/default/events/a?resourceVersion=x`, 400, `invalid resource version: ${NUMBER('x', 'invalid syntax')}`],
  ['GET', `${SECRETS}/a?resourceVersion=x`, 500, NUMBER('x', 'invalid syntax')],
  ['GET', `${SECRETS}?watch=1&resourceVersion=x`, 500, NUMBER('x', 'invalid syntax')],
  ['GET', `${SECRETS}?watch=1&continue=x`, 422, 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided'],
  ['GET', `${SECRETS}?watch=1&resourceVersionMatch=Exact`, 422, 'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]'],
  ['GET', '/api/v1/namespaces?fieldSelector=metadata.namespace%3Dx', 400, 'field label not supported: metadata.namespace'],
  ['DELETE', `${SECRETS}?resourceVersion=1`, 409, 'Operation cannot be fulfilled on Secret "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record ($a). The object might have been modified'],
  ['GET', `${SECRETS}?timeout=1`, 400, 'invalid timeout specified in the request URL - time: missing unit in duration "1"'],
  ['GET', `${SECRETS}?timeout=1h1x`, 400, 'invalid timeout specified in the request URL - time: unknown unit "x" in duration "1h1x"'],
  ['GET', `${SECRETS}?timeout=.`, 400, 'invalid timeout specified in the request URL - time: invalid duration "."'],
  ['GET', `${SECRETS}/%2e%2e`, 400, 'Name parameter invalid: "..": may not be \'..\''],
  ['GET', `${SECRETS}/a%2Fb`, 404, 'the server could not find the requested resource'],
  ['POST', '/api/v2', 404, 'the server could not find the requested resource'],
  ['GET', '/api/v1/componentstatuses?watch=1', 405, 'watch is not supported on resources of kind "componentstatuses"'],
  ['HEAD', '/version', 405, undefined],
  ['HEAD', `${SECRETS.replace('secrets', 'pods')}/a/log`, 405, undefined],
  ['HEAD', `${SECRETS.replace('secrets', 'pods')}/a/status`, 405, undefined],
  ['HEAD', '/apis/apps/v1/namespaces/default/deployments/a/scale', 405, undefined],
  ['HEAD', '/api/v1/namespaces/default/services/a/proxy', 404, undefined],
  ['POST', '/version', 405, 'the server does not allow this method on the requested resource'],
] as const)('%s %s is refused with %d', async (method, path, code, message) => {
  const answer = await it.http(method, path);
  expect(answer.code).toBe(code);
  if (message !== undefined) expect((answer.json() as unknown as { message: string }).message).toBe(withVersions(message));
});

test.each([
  ['GET', '/api/v1/watch?x=1', 500, 'Internal Server Error: "/api/v1/watch?x=1": failed to create RequestInfo: unable to determine kind and namespace from url, /api/v1/watch?x=1\n'],
  ['GET', '/apis/apps/v1/proxy', 500, 'Internal Server Error: "/apis/apps/v1/proxy": failed to create RequestInfo: unable to determine kind and namespace from url, /apis/apps/v1/proxy\n'],
  ['GET', '/healthz/', 404, '404 page not found\n'],
  ['GET', '//', 404, '404 page not found\n'],
  ['GET', '/openapi/v2/', 404, '404 page not found\n'],
  ['GET', '/openapi/v3/nope', 404, ''],
] as const)('%s %s is %d, as text', async (method, path, code, text) => {
  const answer = await it.http(method, path);
  expect([answer.code, answer.bytes.toString(), answer.headers['x-content-type-options']]).toEqual([code, text, text === '' ? undefined : 'nosniff']);
});

const FORM = (as: string): string => `application/json;as=${as};v=v1;g=meta.k8s.io`;
test.each([
  ['GET', `${SECRETS}/a`, 'PartialObjectMetadataList', 'you requested PartialObjectMetadataList, but the requested object is not a list (*core.Secret)'],
  ['GET', SECRETS, 'PartialObjectMetadata', 'you requested PartialObjectMetadata, but the requested object is a list (*core.SecretList)'],
  ['GET', '/apis/apps/v1/deployments', 'PartialObjectMetadata', 'you requested PartialObjectMetadata, but the requested object is a list (*apps.DeploymentList)'],
] as const)('%s %s as %s is told what it is', async (method, path, as, message) => {
  const answer = await it.http(method, path, { headers: { Accept: FORM(as) } });
  expect([answer.code, (answer.json() as unknown as { message: string }).message]).toEqual([406, message]);
});

test('an error in a form that errors do not have is JSON for people', async () => {
  const answer = await it.http('GET', `${SECRETS}/none`, { headers: { Accept: FORM('Table') } });
  expect([answer.code, answer.bytes.toString().split('\n')[1]]).toEqual([404, '  "kind": "Status",']);
});

test.each(['*', 'W/$tag', '"x", $tag'])('OpenAPI that is known as %s is not sent again', async (known) => {
  const tag = (await it.http('HEAD', '/openapi/v3/apis/policy/v1')).headers.etag ?? '';
  const answer = await it.http('GET', '/openapi/v3/apis/policy/v1', { headers: { 'If-None-Match': known.replace('$tag', tag) } });
  expect(answer.code).toBe(304);
});

test('the root lists every health check by itself', async () => {
  const { paths } = (await it.http('GET', '/')).json() as unknown as { paths: readonly string[] };
  expect(paths).toEqual(expect.arrayContaining(['/livez/ping', '/readyz/shutdown', '/healthz/poststarthook/rbac/bootstrap-roles']));
  expect(paths).not.toContain('/livez/shutdown');
});

test.each([
  ['orphanDependents=false', 202],
  ['orphanDependents=true', 200],
  ['propagationPolicy=Foreground', 200],
])('a deletion with %s that is not over is answered with %d', async (query, code) => {
  const name = `held-${query.toLowerCase().replace('=', '-')}`;
  const body = JSON.stringify({ metadata: { name, finalizers: ['example.com/held'] } });
  await it.http('POST', SECRETS, { body, headers: { 'Content-Type': 'application/json' } });
  expect((await it.http('DELETE', `${SECRETS}/${name}?${query}`)).code).toBe(code);
});
