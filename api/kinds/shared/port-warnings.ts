/** Container ports that say the same as others, or less than their author thought. */
import type { Path } from '../../field-error.ts';
import type { Container, ContainerPort } from '../../types/core.v1.ts';

export interface ContainerAt {
  readonly container: Container;
  readonly path: Path;
}

export function portWarnings(containers: readonly ContainerAt[]): string[] {
  const ports = containers.flatMap(({ container, path }) => (container.ports ?? []).map((port, at) => ({ port, path: path.child('ports').index(at) })));
  const warnings: string[] = [];
  for (const [at, { port, path }] of ports.entries()) {
    if (port.hostIP && !port.hostPort) warnings.push(`${path}: hostIP set without hostPort: ${internalForm(port)}`);
    for (const other of ports.slice(0, at)) {
      if (other.port.containerPort !== port.containerPort || other.port.protocol !== port.protocol) continue;
      const how = clash(port, other.port);
      if (how) warnings.push(`${path}: ${how} port definition with ${other.path}`);
    }
  }
  const names = new Map<string, string>();
  for (const { port, path } of ports) {
    if (!port.name) continue;
    const first = names.get(port.name);
    if (first === undefined) names.set(port.name, path.text);
    else {
      const chosen = `services and probes that select ports by name will use ${first}`;
      warnings.push(`${path}: duplicate port name ${JSON.stringify(port.name)} with ${first}, ${chosen}`);
    }
  }
  return warnings;
}

function clash(a: ContainerPort, b: ContainerPort): string {
  const [portA = 0, portB = 0] = [a.hostPort, b.hostPort];
  const [addressA = '', addressB = ''] = [a.hostIP, b.hostIP];
  if (addressA === addressB && portA === portB) return 'duplicate';
  if (portA === 0 || portB === 0) return 'overlapping';
  return portA === portB && (addressA === '') !== (addressB === '') ? 'dangerously ambiguous' : '';
}

/** As Go prints the struct. */
function internalForm(port: ContainerPort): string {
  return `{Name:${port.name ?? ''} HostPort:${port.hostPort ?? 0} ContainerPort:${port.containerPort} Protocol:${port.protocol ?? ''} HostIP:${port.hostIP ?? ''}}`;
}
