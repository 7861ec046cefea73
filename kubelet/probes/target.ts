/** Where a probe or a hook of a container goes: hosts and ports, which may be named. */
import type { Spec } from '../pod.ts';

export class NoSuchPort extends Error {
  override readonly name = 'NoSuchPort';
}

export function portNumber(port: number | string | undefined, spec: Spec): number {
  if (typeof port === 'number') return port;
  const named = (spec.ports ?? []).find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named) || named <= 0 || named > 65_535) throw new NoSuchPort(`invalid port number: ${String(port)}`);
  return named;
}
