import { asksToWatch, parseRoute } from './route.ts';

const PLAIN = { group: '', version: 'v1', resource: '', subresource: '', namespace: '', name: '' };

test.each([
  ['GET', '/api/v1/pods', { verb: 'list', resource: 'pods' }],
  ['GET', '/api/v1/namespaces/a/pods', { verb: 'list', resource: 'pods', namespace: 'a' }],
  ['GET', '/api/v1/namespaces/a/pods/b', { verb: 'get', resource: 'pods', namespace: 'a', name: 'b' }],
  ['PUT', '/api/v1/namespaces/a/pods/b/status', { verb: 'update', resource: 'pods', namespace: 'a', name: 'b', subresource: 'status' }],
  ['GET', '/api/v1/namespaces/a', { verb: 'get', resource: 'namespaces', namespace: 'a', name: 'a' }],
  ['PUT', '/api/v1/namespaces/a/finalize', { verb: 'update', resource: 'namespaces', namespace: 'a', name: 'a', subresource: 'finalize' }],
  ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces' }],
  ['POST', '/apis/apps/v1/namespaces/a/deployments', { verb: 'create', group: 'apps', resource: 'deployments', namespace: 'a' }],
  ['DELETE', '/apis/apps/v1/namespaces/a/deployments', { verb: 'deletecollection', group: 'apps', resource: 'deployments', namespace: 'a' }],
  ['PATCH', '/apis/apps/v1/namespaces/a/deployments/b/scale', { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'a', name: 'b', subresource: 'scale' }],
  ['GET', '/api/v1/watch/namespaces/a/pods', { verb: 'watch', resource: 'pods', namespace: 'a' }],
  ['GET', '/api/v1/watch/namespaces/a/pods/b', { verb: 'watch', resource: 'pods', namespace: 'a', name: 'b' }],
  ['POST', '/api/v1/proxy/namespaces/a/pods/b/status', { verb: 'proxy', resource: 'pods', namespace: 'a', name: 'b', tooLong: true }],
  ['GET', '/api/v1/nodes/n/proxy/a%2Fb/c/', { verb: 'get', resource: 'nodes', name: 'n', subresource: 'proxy', rest: '/a%2Fb/c/' }],
  ['GET', '/api/v1/namespaces/a/configmaps/b%2Fc', { verb: 'get', resource: 'configmaps', namespace: 'a', name: 'b', subresource: 'c' }],
  ['GET', '/api/v1/namespaces/a/configmaps/%62', { verb: 'get', resource: 'configmaps', namespace: 'a', name: 'b' }],
  ['GET', '/api/v1/namespaces/a/pods/b/status/more', { verb: 'get', resource: 'pods', namespace: 'a', name: 'b', subresource: 'status', tooLong: true }],
])('parseRoute() %s %s', (method, path, expected) => {
  expect(parseRoute(method, path, { watch: false })).toEqual({ ...PLAIN, path, isResource: true, rest: '', tooLong: false, ...expected });
});

test.each(['/healthz', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/apis/apps/v1/'])('parseRoute() takes %s for no resource', (path) => {
  expect(parseRoute('GET', path, { watch: false })).toMatchObject({ isResource: false, verb: 'get', path });
});

test('parseRoute() watches collections, and not single objects', () => {
  expect(parseRoute('GET', '/api/v1/pods', { watch: true }).verb).toBe('watch');
  expect(parseRoute('GET', '/api/v1/namespaces/a/pods/b', { watch: true }).verb).toBe('get');
});

test.each([[null, false], ['false', false], ['0', false], ['', true], ['1', true], ['maybe', true]])('asksToWatch(%j) is %j', (value, expected) => {
  expect(asksToWatch(value)).toBe(expected);
});

test.each([
  ['/api/v1/watch', 500], ['/apis/apps/v1/proxy/', 500], ['/api/v1/namespaces/a/pods/%', 400], ['/api/v1/namespaces/a/pods/%zz', 400],
])('parseRoute() cannot read %s: %j', (path, code) => {
  const parse = (): unknown => parseRoute('GET', path, { watch: false });
  expect(parse).toThrow(expect.objectContaining({ code }));
});

test('parseRoute() takes escapes for bytes', () => {
  expect(parseRoute('GET', '/api/v1/namespaces/a/pods/%C3%B6%ff', { watch: false }).name).toBe('ö\uFFFD');
});
