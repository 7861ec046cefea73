import { Command } from 'commander';
import { controllerOptionsOf, withControllers } from './controller-flags.ts';
import { duration } from './duration.ts';

const parsed = (...args: string[]) => controllerOptionsOf(withControllers(new Command().exitOverride().configureOutput({ writeErr: () => undefined })).parse(args, { from: 'user' }).opts());

test.each([
  [[], {}],
  [['--node-monitor-grace-period=10s', '--node-monitor-period=1s', '--node-eviction-rate=5'], { nodeLifecycle: { monitorGracePeriodMs: 10_000, monitorPeriodMs: 1000, evictionRate: 5 } }],
  [['--horizontal-pod-autoscaler-sync-period', '2s', '--horizontal-pod-autoscaler-tolerance', '0.2'], { autoscaler: { syncPeriodMs: 2000, tolerance: 0.2 } }],
  [['--concurrent-deployment-syncs=9', '--concurrent-gc-syncs=1'], { workers: { 'deployment-controller': 9, 'garbage-collector-controller': 1 } }],
  [['--controllers=*,-job-controller'], { chosen: ['*', '-job-controller'] }],
  [['--allocate-node-cidrs=false', '--enable-dynamic-provisioning'], { allocateNodeCidrs: false, volumeBinder: { dynamicProvisioning: true } }],
  [['--terminated-pod-gc-threshold=0'], { podGc: { terminatedPodThreshold: 0 } }],
])('%j', (args, options) => {
  expect(parsed(...args)).toEqual(options);
});

test.each([['--node-monitor-period=soon'], ['--concurrent-gc-syncs=-1'], ['--node-eviction-rate=fast'], ['--allocate-node-cidrs=maybe']])('%s is refused', (flag) => {
  expect(() => parsed(flag)).toThrow(/it must be/);
});

test.each([['10s', 10_000], ['1m30s', 90_000], ['1.5h', 5_400_000], ['250ms', 250], ['0', 0], ['-1s', -1000]])('duration(%s)', (text, ms) => {
  expect(duration(text)).toBe(ms);
});

test.each(['', '10', 's', '1d', '1s2'])('duration(%s) is none', (text) => {
  expect(() => duration(text)).toThrow('it must be a duration');
});
