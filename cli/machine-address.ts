/** The first address of this machine that others may know it by; 127.0.0.1 where there is none. */
import { networkInterfaces } from 'node:os';

export function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ internal, family, address }) => !internal && family === 'IPv4' && !address.startsWith('169.254.'))?.address ?? '127.0.0.1';
}
