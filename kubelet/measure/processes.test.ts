import { groupPaths, interfacesOf } from './processes.ts';

test('groupPaths() tells controllers apart, those that share a hierarchy too', () => {
  const paths = groupPaths('9:name=systemd:/x\n4:memory:/k8s.io/a\n3:cpu,cpuacct:/k8s.io/b\n0::/k8s.io/c\n');
  expect([paths.get('memory'), paths.get('cpu'), paths.get('cpuacct'), paths.get(''), paths.get('pids')]).toEqual(['/k8s.io/a', '/k8s.io/b', '/k8s.io/b', '/k8s.io/c', undefined]);
});

test('interfacesOf() leaves out loopback and the ends that belong to pods', () => {
  const dev = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    'vethab1:     1       1    0    0    0     0          0         0      1       1    0    0    0     0       0          0',
    '  eth0:11852     166    2    3    0     0          0         0     8104     150    4    5    0     0       0          0',
    '',
  ].join('\n');
  expect(interfacesOf(dev)).toEqual([{ name: 'eth0', received: { bytes: 11_852, packets: 166, errors: 2, dropped: 3 }, sent: { bytes: 8104, packets: 150, errors: 4, dropped: 5 } }]);
});
