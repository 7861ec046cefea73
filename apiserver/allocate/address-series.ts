/** How many addresses of Services are in use and left, counted when somebody looks; under upstream's names. */
import { ipaddresses } from '../../api/resources.ts';
import type { Meter } from '../../std/meter.ts';
import type { Reader } from '../auth/reader.ts';
import type { ServiceRanges } from './service-ranges.ts';

export function addressSeries(meter: Meter, reader: Reader, ranges: ServiceRanges): void {
  const allocated = meter.gauge({ name: 'kube_apiserver_clusterip_allocator_allocated_ips', help: 'Addresses of Services that are in use.', labels: ['cidr'], collect: () => show((range, used) => allocated.of(range).set(used)) });
  const available = meter.gauge({ name: 'kube_apiserver_clusterip_allocator_available_ips', help: 'Addresses that Services can still have.', labels: ['cidr'], collect: () => show((range, used, size) => available.of(range).set(size - used)) });
  const show = (tell: (range: string, used: number, size: number) => void): void => {
    const names = reader.list(ipaddresses).map(({ metadata }) => metadata.name);
    for (const { text, size, contains } of new Set(ranges.open())) tell(text, names.filter((name) => contains(name)).length, size);
  };
}
