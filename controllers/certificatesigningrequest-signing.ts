/**
 * The signer of certificate requests: the cluster's own authority, for its own four signers, once somebody has approved.
 *
 * It is no reconcile function because signing is computed elsewhere and awaited; its rules are in `certificates/rules.ts`.
 */
import { certificatesigningrequests } from '../api/resources.ts';
import { timeText } from '../client/time.ts';
import type { CertificateAuthority } from './certificates/authority.ts';
import { followRequests, hasCondition, requestPem, type StoredRequest } from './certificates/follow.ts';
import { isKnownSigner, problemOf, validity } from './certificates/rules.ts';
import type { ControllerTools, FreeController } from './controller.ts';

export interface SigningOptions {
  readonly authority?: CertificateAuthority;
  /** How long certificates are signed for at most. */
  readonly durationMs?: number;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

export function requestSigningController({ authority, durationMs = YEAR_MS }: SigningOptions & { readonly authority: CertificateAuthority }): FreeController {
  return {
    name: 'certificatesigningrequest-signing-controller',
    account: 'certificate-controller',
    run: (tools, signal) => followRequests(tools, signal, (request) => sign(request, { tools, authority, durationMs })),
  };
}

async function sign(request: StoredRequest, { tools, authority, durationMs }: { readonly tools: ControllerTools; readonly authority: CertificateAuthority; readonly durationMs: number }): Promise<void> {
  const { spec, status } = request;
  if (!isKnownSigner(spec.signerName) || status?.certificate || !hasCondition(request, 'Approved') || hasCondition(request, 'Denied') || hasCondition(request, 'Failed')) return;
  const pem = requestPem(request);
  if (!pem) return;
  const now = tools.clock.now();
  const problem = problemOf(spec.signerName, await authority.read(pem), spec.usages ?? []);
  if (problem !== undefined) {
    const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: problem, lastUpdateTime: timeText(now) };
    await tools.client.update(certificatesigningrequests, { ...request, status: { ...status, conditions: [...(status?.conditions ?? []), failed] } }, { subresource: 'status' });
    return;
  }
  const signed = await authority.sign(pem, { usages: spec.usages ?? [], ...validity(spec.expirationSeconds, { now, longestMs: durationMs }) });
  const certificate = Buffer.from(signed).toString('base64');
  await tools.client.update(certificatesigningrequests, { ...request, status: { ...status, certificate } }, { subresource: 'status' });
}
