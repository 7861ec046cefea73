/** Reads the subject of a PKCS #10 certificate request. */

export interface RequestedSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** `request` as the API has it: PEM, in base64. Throws when it cannot be read. */
export async function readCertificateRequest(request: string): Promise<RequestedSubject> {
  await import('./metadata-shim.ts');
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509');
  const pem = Buffer.from(request, 'base64').toString('utf8');
  if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const { subjectName } = new Pkcs10CertificateRequest(pem);
  return { commonName: subjectName.getField('CN').at(-1) ?? '', organizations: subjectName.getField('O') };
}
