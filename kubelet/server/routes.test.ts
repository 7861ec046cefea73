import { routeOf } from './routes.ts';

/** As upstream's kubelet of v1.36.3 answered. */
test.each([
  ['GET', '/', 'missing'],
  ['GET', '/nothing', 'missing'],
  ['GET', '/constructor', 'missing'],
  ['GET', '/healthz', 'page healthz'],
  ['POST', '/healthz', 'page healthz'],
  ['GET', '/healthz/ping', 'page healthz ping'],
  ['GET', '/healthz/nope', 'missing'],
  ['GET', '/healthz/', 'missing'],
  ['GET', '/metrics', 'page metrics'],
  ['POST', '/metrics', 'page metrics'],
  ['GET', '/metrics/', 'missing'],
  ['GET', '/metrics/nope', 'missing'],
  ['GET', '/metrics/resource', 'page resource'],
  ['DELETE', '/metrics/slis', 'page slis'],
  ['GET', '/pods', 'page pods'],
  ['GET', '/pods/', 'page pods'],
  ['GET', '/pods/x', '404: Page Not Found'],
  ['POST', '/pods', '405: Method Not Allowed, Allow: GET'],
  ['HEAD', '/pods', '405: Method Not Allowed, Allow: GET'],
  ['GET', '//pods', 'moved /pods'],
  ['GET', '/stats', 'moved /stats/'],
  ['GET', '/stats/', '404: Page Not Found'],
  ['GET', '/stats/summary/', 'page summary summary'],
  ['GET', '/stats/container', '404: Page Not Found'],
  ['PUT', '/stats/summary', '405: Method Not Allowed, Allow: GET, POST'],
  ['GET', '/logs', 'moved /logs/'],
  ['GET', '/logs/', 'page logs '],
  ['GET', '/logs/a/b.log', 'page logs a b.log'],
  ['POST', '/logs/', '405: Method Not Allowed, Allow: GET'],
  ['GET', '/logs/../../etc/passwd', 'moved /etc/passwd'],
  ['GET', '/runningpods', 'moved /runningpods/'],
  ['GET', '/runningpods/', 'page runningpods'],
  ['GET', '/runningpods/x', '404: Page Not Found'],
  ['GET', '/run/a/b/c', '405: Method Not Allowed, Allow: POST'],
  ['POST', '/run/a/b/c', 'page run a b c'],
  ['POST', '/run/a/b/u/c', 'page run a b u c'],
  ['POST', '/run/a/b', '404: Page Not Found'],
  ['GET', '/exec/a/b/c', 'stream exec a b c'],
  ['PUT', '/exec/a/b/c', '405: Method Not Allowed, Allow: GET, POST'],
  ['GET', '/portForward/a/b', 'stream portForward a b'],
  ['GET', '/portForward/a/b/u', 'stream portForward a b u'],
  ['GET', '/containerLogs/a/b/c', 'stream containerLogs a b c'],
  ['GET', '/containerLogs/a/b', '404: Page Not Found'],
  ['POST', '/checkpoint/a/b/c', 'page checkpoint a b c'],
  ['GET', '/checkpoint/a/b/c', '405: Method Not Allowed, Allow: POST'],
  ['GET', '/debug/pprof', 'moved /debug/pprof/'],
  ['GET', '/debug/pprof/heap', 'page pprof'],
  ['PUT', '/debug/flags/v', 'page flags'],
  ['GET', '/configz', 'page configz'],
  ['GET', '/flagz', 'page flagz'],
  ['GET', '/logs/%2e%2e/x', 'page logs .. x'],
  ['GET', '/stats%2Fsummary', 'page summary summary'],
])('%s %s: %s', (method, path, expected) => {
  const route = routeOf(method, decodeURIComponent(path), path);
  const told = (): string => {
    switch (route.type) {
      case 'missing': return 'missing';
      case 'moved': return `moved ${route.to}`;
      case 'refused': return `${route.message}${route.allow ? `, Allow: ${route.allow}` : ''}`;
      case 'page': return ['page', route.page, ...route.parts].join(' ');
      case 'stream': return ['stream', route.stream, ...route.parts].join(' ');
    }
  };
  expect(told()).toBe(expected);
});
