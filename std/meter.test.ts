import { Meter } from './meter.ts';

test('text() shows families by name, cells by label, histograms with cumulated buckets', () => {
  const meter = new Meter();
  const requests = meter.counter({ name: 'requests_total', help: 'Requests\nby code.', labels: ['verb', 'code'] });
  requests.of('LIST', '200').add();
  requests.of('GET', '200').add(1_234_567);
  requests.of('GET', '200').add();
  const seconds = meter.histogram({ name: 'a_seconds', help: 'Time.', labels: ['verb'], buckets: [0.1, 1] });
  for (const value of [0.1, 0.5, 7]) seconds.of('a"b').observe(value);
  expect(meter.text()).toBe(`# HELP a_seconds Time.
# TYPE a_seconds histogram
a_seconds_bucket{verb="a\\"b",le="0.1"} 1
a_seconds_bucket{verb="a\\"b",le="1"} 2
a_seconds_bucket{verb="a\\"b",le="+Inf"} 3
a_seconds_sum{verb="a\\"b"} 7.6
a_seconds_count{verb="a\\"b"} 3
# HELP requests_total Requests\\nby code.
# TYPE requests_total counter
requests_total{verb="GET",code="200"} 1.234568e+06
requests_total{verb="LIST",code="200"} 1
`);
});

test('of() counts what exceeds the limit together', () => {
  const meter = new Meter();
  const family = meter.counter({ name: 'a', help: '', labels: ['x', 'y'], limit: 2 });
  for (let at = 0; at < 5; at++) family.of(String(at), '').add();
  expect(meter.text().split('\n').slice(2, -1)).toEqual(['a{x="0",y=""} 1', 'a{x="1",y=""} 1', 'a{x="other",y="other"} 3']);
});

test('forget() takes what has all of these labels with these values', () => {
  const meter = new Meter();
  const family = meter.counter({ name: 'a', help: '', labels: ['verb', 'group', 'resource'] });
  for (const names of [['GET', 'g', 'x'], ['PUT', 'g', 'x'], ['GET', 'g', 'y'], ['GET', 'x', 'g']]) family.of(...names).add();
  meter.counter({ name: 'b', help: '', labels: ['group'] }).of('g').add();
  meter.forget({ resource: 'x', group: 'g' });
  expect(meter.text().split('\n').filter((line) => !line.startsWith('#'))).toEqual(['a{verb="GET",group="g",resource="y"} 1', 'a{verb="GET",group="x",resource="g"} 1', 'b{group="g"} 1', '']);
  family.of('GET', 'g', 'x').add();
  expect(meter.text()).toContain('a{verb="GET",group="g",resource="x"} 1\n');
});

test('a family without cells is not shown, and collect() runs before each text()', () => {
  const meter = new Meter();
  let value = 0;
  meter.counter({ name: 'empty', help: '' });
  const gauge = meter.gauge({ name: 'g', help: '', collect: () => gauge.of().set(++value) });
  meter.text();
  expect(meter.text()).toBe('# HELP g \n# TYPE g gauge\ng 2\n');
});
