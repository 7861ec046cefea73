/**
 * The approver of certificate requests: nodes may have client certificates where an authorization rule lets them.
 *
 * It is no reconcile function because it asks the authorizer.
 */
import { certificatesigningrequests, subjectaccessreviews } from '../api/resources.ts';
import type { CertificateAuthority } from './certificates/authority.ts';
import { followRequests, hasCondition, requestPem, type Answered, type StoredRequest } from './certificates/follow.ts';
import { KUBELET_CLIENT, kubeletClientProblem } from './certificates/rules.ts';
import type { ControllerTools, FreeController } from './controller.ts';

const SELF = { subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' };
const ANY = { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' };

export function requestApprovingController(authority: CertificateAuthority): FreeController {
  return {
    name: 'certificatesigningrequest-approving-controller',
    account: 'certificate-controller',
    run: (tools, signal) => followRequests(tools, signal, (request) => approve(request, tools, authority)),
  };
}

async function approve(request: StoredRequest, tools: ControllerTools, authority: CertificateAuthority): Promise<Answered> {
  const { spec, status } = request;
  if (spec.signerName !== KUBELET_CLIENT || status?.certificate || hasCondition(request, 'Approved') || hasCondition(request, 'Denied')) return;
  const pem = requestPem(request);
  if (!pem) return;
  const facts = await authority.read(pem);
  if (kubeletClientProblem(facts, spec.usages ?? []) !== undefined) return;
  for (const { subresource, message } of spec.username === facts.commonName ? [SELF, ANY] : [ANY]) {
    if (!(await isAllowed(request, subresource, tools))) continue;
    const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
    await tools.client.update(certificatesigningrequests, { ...request, status: { ...status, conditions: [...(status?.conditions ?? []), approved] } }, { subresource: 'approval' });
    return;
  }
  // Who may not yet may be let later.
  return 'later';
}

async function isAllowed({ spec }: StoredRequest, subresource: string, { client }: ControllerTools): Promise<boolean> {
  const { username = '', uid, groups, extra } = spec;
  const resourceAttributes = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource, version: '*' };
  const review = await client.create(subjectaccessreviews, { spec: { user: username, ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }), resourceAttributes } } as never);
  return (review as { readonly status?: { readonly allowed?: boolean } }).status?.allowed === true;
}
