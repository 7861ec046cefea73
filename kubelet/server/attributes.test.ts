import { attributesOf } from './attributes.ts';

test.each([
  ['GET', '/stats/summary', 'get stats'],
  ['POST', '/stats/summary', 'create stats'],
  ['GET', '/stats', 'get stats'],
  ['GET', '/statsother', 'get proxy'],
  ['GET', '/metrics', 'get metrics'],
  ['GET', '/metrics/cadvisor', 'get metrics'],
  ['GET', '/metrics/slis', 'get metrics'],
  ['DELETE', '/metrics/slis', 'delete metrics'],
  ['GET', '/logs/messages', 'get log'],
  ['POST', '/checkpoint/a/b/c', 'create checkpoint'],
  ['GET', '/statusz', 'get statusz'],
  ['GET', '/flagz', 'get configz'],
  ['GET', '/pods', 'get pods proxy'],
  ['GET', '/podsmore', 'get proxy'],
  ['GET', '/runningpods/', 'get pods proxy'],
  ['GET', '/healthz', 'get healthz proxy'],
  ['GET', '/healthz/ping', 'get healthz proxy'],
  ['GET', '/configz', 'get configz proxy'],
  ['GET', '/exec/a/b/c', 'get proxy'],
  ['PUT', '/run/a/b/c', 'update proxy'],
  ['PATCH', '/', 'patch proxy'],
  ['HEAD', '/pods', ' pods proxy'],
  ['OPTIONS', '/metrics', ' metrics'],
])('attributesOf(%s, %s) is %s', (method, path, expected) => {
  const { verb, subresources } = attributesOf(method, path);
  expect([verb, ...subresources].join(' ')).toBe(expected);
});
