/** Kernel parameters of pods: which ones a node lets them set. */
import { refuse } from './admit.ts';
import { podOf } from './fixtures.ts';
import { sysctlName } from './sysctls.ts';

test.each([
  ['kernel.shm_rmid_forced', {}, undefined],
  ['net/ipv4/tcp_syncookies', {}, undefined],
  ['net.ipv4.tcp_syncookies', { hostNetwork: true }, 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host Net enabled'],
  ['kernel.shm_rmid_forced', { hostIPC: true }, 'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host IPC enabled'],
  ['kernel.msgmax', {}, 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ['fs/mount-max', {}, 'forbidden sysctl: "fs.mount-max" not allowlisted'],
])('%s in %j', (name, spec, message) => {
  const pod = podOf({ ...spec, securityContext: { sysctls: [{ name, value: '1' }] } });
  const refusal = refuse({ pod, others: [], allocatable: { pods: '110' }, labels: {}, nodeName: 'n', isSimulated: false, pressures: [] });
  expect(refusal).toEqual(message === undefined ? undefined : { reason: 'SysctlForbidden', message });
});

test.each([['net.ipv4.conf.eno2/100.rp_filter', 'net.ipv4.conf.eno2/100.rp_filter'], ['net/ipv4/conf/eno2.100/rp_filter', 'net.ipv4.conf.eno2/100.rp_filter']])('sysctlName(): %s', (written, name) => {
  expect(sysctlName(written)).toBe(name);
});
