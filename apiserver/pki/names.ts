/** Reads the names in a certificate, in a form that can be compared with what was asked for. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export function isAddress(name: string): boolean {
  return isIP(name) !== 0;
}

/** One text per subject, the same for a certificate and for the request that would make it. */
export function subjectOf(from: X509Certificate | { readonly commonName: string; readonly organizations?: readonly string[] }): string {
  if ('commonName' in from) return JSON.stringify([from.commonName, ...(from.organizations ?? [])]);
  // Node's own half of TLS that this takes along must not come before the whole: it would stay half for good (Node 26).
  process.getBuiltinModule('node:tls');
  const subject = from.toLegacyObject().subject as { CN?: string | string[]; O?: string | string[] };
  return JSON.stringify([...list(subject.CN), ...list(subject.O)]);
}

export function hasAllNames(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.every((name) => (isAddress(name) ? certificate.checkIP(name) : certificate.checkHost(name, { subject: 'never', wildcards: false })) !== undefined);
}

function list(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
