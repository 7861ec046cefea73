/** Options of TLS that trust what somebody named, and nothing else. */

/**
 * Whoever is named is trusted, also where somebody else signed it: an intermediate authority, or a server's own certificate. Go's
 * verification does so, and `caBundle`s are made for it; OpenSSL by itself wants the root.
 */
export function trusting<Pem extends string | Buffer | readonly string[]>(ca: Pem | undefined): { ca?: Pem; allowPartialTrustChain?: boolean } {
  return ca === undefined || ca.length === 0 ? {} : { ca, allowPartialTrustChain: true };
}
