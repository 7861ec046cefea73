import { Health } from './healthz.ts';

let sick: string | undefined;
const health = new Health([{ name: 'ping' }, { name: 'syncloop', failing: () => sick }], 7);
const ask = (path: string): string => {
  const [name = '', query = ''] = path.split('?');
  const { code, body } = health.page({ parts: name === '' ? [] : [name], query: new URLSearchParams(query) });
  return `${code} ${String(body)}`;
};

test.each([
  ['well', '', undefined, '200 ok'],
  ['well, at length', '?verbose', undefined, '200 [+]ping ok\n[+]syncloop ok\nhealthz check passed\n'],
  ['sick', '', 'too late', '500 [+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n'],
  ['sick, but not asked about', '?exclude=syncloop', 'too late', '200 ok'],
  ['asked to leave out what is not there', '?verbose&exclude=x', undefined, '200 [+]ping ok\n[+]syncloop ok\nwarn: some health checks cannot be excluded: no matches for "x"\nhealthz check passed\n'],
  ['asked about one', 'ping', 'too late', '200 ok'],
  ['asked about one that is sick', 'syncloop', 'too late', '500 internal server error: too late\n'],
  ['asked about one that is not there', 'log', undefined, '404 404 page not found\n'],
])('%s', (_, path, why, expected) => {
  sick = why;
  expect(ask(path)).toBe(expected);
});

test('what was found is counted until somebody begins anew', () => {
  health.slis({ method: 'DELETE' });
  sick = undefined;
  ask('');
  sick = 'too late';
  ask('');
  const figures = (): string[] => String(health.slis({ method: 'GET' }).body).split('\n').filter((line) => line && !line.startsWith('#'));
  expect(figures()).toEqual([
    'kubernetes_healthcheck{name="ping",type="healthz"} 1',
    'kubernetes_healthcheck{name="syncloop",type="healthz"} 0',
    'kubernetes_healthchecks_total{name="ping",status="success",type="healthz"} 2',
    'kubernetes_healthchecks_total{name="syncloop",status="error",type="healthz"} 1',
    'kubernetes_healthchecks_total{name="syncloop",status="success",type="healthz"} 1',
    'process_start_time_seconds 7',
  ]);
  expect(health.slis({ method: 'DELETE' })).toMatchObject({ code: 200, body: 'metrics reset\n' });
  expect(figures()).toEqual(['process_start_time_seconds 7']);
});
