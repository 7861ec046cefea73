/** The warning about names of workloads that make poor host names. */
import { dnsLabel } from './formats.ts';

export function podNameWarning(name: string | undefined, whose = 'Pod names and hostnames'): string[] {
  const reasons = dnsLabel(name ?? '');
  if (reasons.length === 0) return [];
  return [
    `metadata.name: this is used in ${whose}, which can result in surprising behavior; a DNS label is recommended: [${reasons.join(' ')}]`,
  ];
}
