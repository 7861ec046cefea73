/** What stands around CertificateSigningRequests: who asks, who may approve and sign, and what may never be asked for. */
import type { CertificateSigningRequest } from '../../api/types/certificates.v1.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Authorizer, UserInfo } from '../auth/auth.ts';
import type { AdmissionPlugin } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

const RESOURCE = 'certificates.k8s.io/certificatesigningrequests';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

export function certificateApproval(authorizer: Pick<Authorizer, 'authorize'>): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, RESOURCE, 'approval'),
    async validate(request) {
      const { spec } = request.old as unknown as CertificateSigningRequest;
      if (!(await mayActFor(authorizer, request.user, 'approve', spec.signerName))) {
        throw refused(request, `user not permitted to approve requests with signerName ${JSON.stringify(spec.signerName)}`);
      }
    },
  };
}

export function certificateSigning(authorizer: Pick<Authorizer, 'authorize'>): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, RESOURCE, 'status'),
    async validate(request) {
      const old = request.old as unknown as CertificateSigningRequest;
      const { status } = request.object as unknown as CertificateSigningRequest;
      if (status?.certificate === old.status?.certificate && deepEqual(status?.conditions ?? [], old.status?.conditions ?? [])) return;
      if (!(await mayActFor(authorizer, request.user, 'sign', old.spec.signerName))) {
        throw refused(request, `user not permitted to sign requests with signerName ${JSON.stringify(old.spec.signerName)}`);
      }
    },
  };
}

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (request) => request.operation === 'CREATE' && isAbout(request, RESOURCE),
  async validate(request) {
    const { spec } = request.object as unknown as CertificateSigningRequest;
    if (spec.signerName !== CLIENT_SIGNER) return;
    const { readCertificateRequest } = await import('../pki/certificate-request.ts');
    const subject = await readCertificateRequest(spec.request).catch((error: unknown) => {
      throw refused(request, `failed to parse CSR: ${(error as Error).message}`);
    });
    if (subject.organizations.includes('system:masters')) throw refused(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  },
};

/** Who asks is never the author's to say. Upstream's strategy does this; here strategies do not know users. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  handles: (request) => request.operation === 'CREATE' && isAbout(request, RESOURCE),
  mutate({ object, user }) {
    const spec = object?.['spec'] as CertificateSigningRequest['spec'] | undefined;
    if (!spec) return;
    spec.username = user.name;
    if (user.uid) spec.uid = user.uid;
    else delete spec.uid;
    spec.groups = [...user.groups];
    if (user.extra && Object.keys(user.extra).length > 0) spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    else delete spec.extra;
  },
};

/** The signer by name, or all of its domain. */
async function mayActFor(authorizer: Pick<Authorizer, 'authorize'>, user: UserInfo, verb: string, signer: string): Promise<boolean> {
  const about = { user, verb, group: 'certificates.k8s.io', version: '*', resource: 'signers', subresource: '', namespace: '', path: '' };
  if ((await authorizer.authorize({ ...about, name: signer })).decision === 'allow') return true;
  return (await authorizer.authorize({ ...about, name: `${signer.split('/')[0]}/*` })).decision === 'allow';
}
