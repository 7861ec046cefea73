import { refuse } from './admit.ts';
import type { PressureType } from './eviction/thresholds.ts';
import { podOf } from './fixtures.ts';

const burstable = { containers: [{ name: 'app', resources: { requests: { cpu: '1m' } } }] };

describe('refuse() while the node runs short', () => {
  test.each<[string, PressureType[], object, string | undefined]>([
    ['of memory, who asks for nothing', ['MemoryPressure'], {}, 'The node had condition: [MemoryPressure]. '],
    ['of memory, not who asks for something', ['MemoryPressure'], burstable, undefined],
    ['of memory, not who bears with it', ['MemoryPressure'], { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] }, undefined],
    ['of memory, who bears with something else', ['MemoryPressure'], { tolerations: [{ key: 'node.kubernetes.io/disk-pressure', operator: 'Exists' }] }, 'The node had condition: [MemoryPressure]. '],
    ['of more than memory, everybody', ['MemoryPressure', 'DiskPressure'], { ...burstable, tolerations: [{ operator: 'Exists' }] }, 'The node had condition: [MemoryPressure DiskPressure]. '],
    ['of disk, not whom the system needs', ['DiskPressure'], { priority: 2_000_001_000 }, undefined],
  ])('%s', (_, pressures, spec, message) => {
    const refusal = refuse({ pod: podOf(spec), others: [], allocatable: { pods: '10', cpu: '1' }, labels: {}, nodeName: 'n1', isSimulated: false, pressures });
    expect(refusal).toEqual(message && { reason: 'Evicted', message });
  });
});
