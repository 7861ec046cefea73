/** Which addresses and ports Services have, as the caches know it: a hint where to look for free ones, not the truth. */
import { ipaddresses, services } from '../../api/resources.ts';
import type { Service } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Reader } from '../auth/reader.ts';
import { holdingsOf } from './service-fields.ts';

export interface Usage {
  hasAddress(address: string): boolean;
  hasPort(port: number): boolean;
}

/** Follows the Services from the first question on. */
export function createUsage(reader: Reader): Usage {
  let ports: Map<number, number> | undefined;
  const count = (service: DeepReadonly<Service>, by: number): void => {
    for (const port of holdingsOf(service.spec as Service['spec']).ports) ports?.set(port, (ports.get(port) ?? 0) + by);
  };
  const follow = (): Map<number, number> => {
    if (ports) return ports;
    ports = new Map();
    reader.onChange(services, ({ type, object, previous }) => {
      if (previous) count(previous, -1);
      else if (type === 'deleted') count(object, -1);
      if (type === 'set') count(object, 1);
    });
    return ports;
  };
  return {
    hasAddress: (address) => reader.get(ipaddresses, '', address) !== undefined,
    hasPort: (port) => (follow().get(port) ?? 0) > 0,
  };
}
