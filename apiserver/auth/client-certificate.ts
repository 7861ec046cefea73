/** What a connection's client certificate shows: asked of the TLS layer once, and taken apart once for all connections that show the same. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Credentials } from './auth.ts';
import { unauthorized } from './denial.ts';

export type Shown = Required<Pick<Credentials, 'certificate' | 'authority'>>;

/** Throws 401 on one that does not hold, unless the caller has something else to show. */
export function certificateOf(socket: TLSSocket, authorization: string | undefined): Shown | undefined {
  if (typeof socket.getPeerCertificate !== 'function') return undefined;
  // Over HTTP/2 the socket is a stand-in that is made anew; its underlying address lasts as long as the session.
  const key = (socket as unknown as { _handle?: object })._handle ?? socket;
  let found = ofConnections.get(key);
  if (found === undefined) ofConnections.set(key, (found = look(socket)));
  if (found === 'refused' && !authorization) throw unauthorized();
  return typeof found === 'string' ? undefined : found;
}

/** Authorities are about to change: which of them stands behind a certificate is asked anew. */
export function forgetCertificates(): void {
  known.clear();
}

const ofConnections = new WeakMap<object, Shown | 'refused' | 'none'>();
/** By fingerprint. Whether one holds is asked of each connection; this is only what stands in it. */
const known = new Map<string, Shown>();
const KNOWN_LIMIT = 1_000;

function look(socket: TLSSocket): Shown | 'refused' | 'none' {
  const bare = socket.getPeerX509Certificate();
  if (!bare) return 'none';
  if (!socket.authorized) return 'refused';
  const { fingerprint256 } = bare;
  const there = known.get(fingerprint256);
  if (there) return there;
  const certificate = socket.getPeerCertificate(true);
  const shown = { certificate, authority: authorityOf(certificate) };
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(fingerprint256, shown);
  return shown;
}

/** A chain that was verified ends at an authority, which has issued itself. */
const CHAIN_LIMIT = 16;

function authorityOf(certificate: DetailedPeerCertificate): string {
  let last = certificate;
  for (let i = 0; i < CHAIN_LIMIT && last.issuerCertificate && last.issuerCertificate !== last; i++) last = last.issuerCertificate;
  return last.fingerprint256;
}
