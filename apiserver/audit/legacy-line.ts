/** An audit record as one line of the old text format. */
import type { AuditEvent } from './event.ts';

interface Named {
  readonly username?: string;
  readonly groups?: readonly string[];
}

export function legacyLine(event: AuditEvent): string {
  const user = event.user as Named;
  const as = event.impersonatedUser as Named | undefined;
  const fields: [string, string][] = [
    ['id', event.auditID], ['stage', event.stage], ['ip', event.sourceIPs?.[0] ?? '<unknown>'], ['method', event.verb],
    ['user', user.username || '<none>'], ['groups', user.username && user.groups?.length ? listed(user.groups) : '<none>'],
    ['as', as ? as.username ?? '' : '<self>'], ['asgroups', as?.groups ? listed(as.groups) : '<lookup>'], ['user-agent', event.userAgent ?? ''],
    ['namespace', (event.objectRef as { readonly namespace?: string } | undefined)?.namespace || '<none>'], ['uri', event.requestURI],
    ['response', event.responseStatus ? String((event.responseStatus as { readonly code?: number }).code ?? 0) : '<deferred>'],
  ];
  return `${event.requestReceivedTimestamp} AUDIT: ${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ')}`;
}

/** `"a","b"`, quoted once more by the line. */
function listed(groups: readonly string[]): string {
  return groups.map((group) => JSON.stringify(group)).join(',');
}
