/** What signs certificates for the cluster, as the controllers see it; the process's entry point hands one over. */

/** What a request asks for, beyond its key. */
export interface RequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateAuthority {
  /** Of a PKCS #10 request in PEM. Rejects when it cannot be read. */
  read(requestPem: string): Promise<RequestFacts>;
  /** A certificate in PEM for the request's subject, names and key. Rejects when the request's own signature is wrong. */
  sign(requestPem: string, options: { readonly usages: readonly string[]; readonly notBefore: Date; readonly notAfter: Date }): Promise<string>;
}
