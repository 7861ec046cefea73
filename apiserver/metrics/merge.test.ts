import { Meter } from '../../std/meter.ts';
import { mergeExpositions } from './merge.ts';

function counted(requests: number, objects: number, inFlight: number, seconds: number, verb = 'GET'): string {
  const meter = new Meter();
  meter.counter({ name: 'apiserver_request_total', help: 'Requests.', labels: ['verb'] }).of(verb).add(requests);
  meter.gauge({ name: 'apiserver_resource_objects', help: 'Objects.' }).of().set(objects);
  meter.gauge({ name: 'apiserver_current_inflight_requests', help: 'In hand.' }).of().set(inFlight);
  meter.histogram({ name: 'took_seconds', help: 'Times.', buckets: [1, 2] }).of().observe(seconds);
  return meter.text();
}

test('counters, histograms and what is in hand are summed; what all see alike is shown once', () => {
  const lines = mergeExpositions(counted(1, 7, 2, 0.5), [counted(2, 7, 3, 1.5), counted(4, 6, 0, 9, 'PUT')]).split('\n');
  expect(lines).toEqual(expect.arrayContaining([
    'apiserver_request_total{verb="GET"} 3', 'apiserver_request_total{verb="PUT"} 4', 'apiserver_resource_objects 7', 'apiserver_current_inflight_requests 5',
    'took_seconds_bucket{le="1"} 1', 'took_seconds_bucket{le="2"} 2', 'took_seconds_bucket{le="+Inf"} 3', 'took_seconds_sum 11', 'took_seconds_count 3',
  ]));
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toHaveLength(4);
});

test('alone a server shows its own text', () => {
  expect(mergeExpositions('a 1\n', [])).toBe('a 1\n');
});
