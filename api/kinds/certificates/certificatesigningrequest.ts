/** CertificateSigningRequests. Who asks is filled in by the server from the request's user. */
import type { CertificateSigningRequest } from '../../types/certificates.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { nameIsPathSegment } from '../shared/names.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { humanDuration } from '../shared/human-duration.ts';
import { timestamp } from '../../timestamp.ts';
import { validateRequest, validateRequestUpdate } from './csr-rules.ts';

const DECISIONS = ['Approved', 'Denied'];

export const certificatesigningrequest = rulesFor<CertificateSigningRequest>({
  metadataChecks: { '': 2, approval: 2, status: 2 },
  strategy: {
    validateName: nameIsPathSegment,
    prepareForCreate(object) {
      // Who asks was filled in by admission, over whatever the client had put there.
      delete object.status;
    },
    prepareForUpdate(object, old, { subresource, now }) {
      object.spec = old.spec;
      const before = old.status ?? {};
      if (subresource === '') object.status = before;
      else if (subresource === 'approval') {
        const { conditions: _, ...kept } = before;
        object.status = { ...kept, ...(object.status?.conditions && { conditions: object.status.conditions }) };
      }
      else keepDecisions(object, old);
      if (subresource !== '') stampConditions(object, old, now);
    },
    validate: (object) => validateRequest(object),
    validateUpdate: validateRequestUpdate,
  },
  columns: [
    NAME,
    AGE,
    text('SignerName', (object) => object.spec.signerName || '<none>'),
    text('Requestor', (object) => object.spec.username ?? ''),
    text('RequestedDuration', ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000))),
    text('Condition', showCondition),
  ],
  selectableFields: { 'spec.signerName': (object) => object.spec.signerName },
});

/** Writers of the status may not decide: approvals are written through their own subresource. */
function keepDecisions(object: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const before = old.status?.conditions ?? [];
  const sent = object.status?.conditions ?? [];
  const kept = new Map(DECISIONS.map((type) => [type, before.filter((condition) => condition.type === type)]));
  const isKept = (type: string): boolean => sent.filter((condition) => condition.type === type).length === kept.get(type)?.length;
  const own = new Set(DECISIONS.filter(isKept));
  if (own.size === 0) return;
  object.status = { ...object.status, conditions: sent.map((condition) => (own.has(condition.type) ? (kept.get(condition.type)?.shift() ?? condition) : condition)) };
}

function stampConditions(object: CertificateSigningRequest, old: CertificateSigningRequest, now: number): void {
  const time = timestamp(now);
  for (const condition of object.status?.conditions ?? []) {
    condition.lastUpdateTime ??= time;
    const before = old.status?.conditions?.find(({ type }) => type === condition.type);
    condition.lastTransitionTime ??= before && before.status === condition.status ? (before.lastTransitionTime ?? time) : time;
  }
}

function showCondition({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => (status?.conditions ?? []).some((condition) => condition.type === type);
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}
