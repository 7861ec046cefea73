/** The authority that the controllers sign certificate requests with: the one whose files are named, or the API server's own. */
import { readFileSync } from 'node:fs';
import { openRequestSigner } from '../apiserver/pki/request-signer.ts';
import type { CertificateAuthority } from '../controllers/certificates/authority.ts';
import type { Random } from '../std/random.ts';
import type { SigningFlags } from './controller-flags.ts';

type Pair = { readonly certPem: string; readonly keyPem: string };

export function signingAuthority(flags: object, random: Random, own?: () => Pair): CertificateAuthority | undefined {
  const { clusterSigningCertFile: certFile, clusterSigningKeyFile: keyFile } = flags as SigningFlags;
  if ((certFile === undefined) !== (keyFile === undefined)) throw new Error('--cluster-signing-cert-file and --cluster-signing-key-file belong together');
  // Read each time: whoever renews the authority replaces the files.
  const pair = certFile !== undefined && keyFile !== undefined ? () => ({ certPem: readFileSync(certFile, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') }) : own;
  return pair && openRequestSigner(pair, random);
}
