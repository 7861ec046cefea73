/** The options of a deletion, from the body or the query. */
import { int64Problem } from '../../api/go-number.ts';
import { invalid, notSupported, Path, type FieldError } from '../../api/field-error.ts';
import { badRequest } from '../../api/status.ts';
import type { ApiObject } from '../../api/kind.ts';
import { decodeBody } from '../request/decode.ts';
import type { Exchange, Query } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';
import { dryRunErrors } from '../request/write-options.ts';
import type { Preconditions } from './identity.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: Preconditions | undefined;
  readonly dryRun: boolean;
  /** As admission webhooks see them. */
  readonly sent: Readonly<Record<string, unknown>>;
}

interface Sent {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

/** A body outranks the query. Throws 400, 415, 422. */
export async function parseDeleteOptions(exchange: Exchange): Promise<DeleteOptions> {
  const body = await deleteBody(exchange);
  return checkDeleteOptions((body ?? fromQuery(exchange.query)) as Sent);
}

export function checkDeleteOptions(sent: Sent): DeleteOptions {
  const policy = sent.propagationPolicy ?? undefined;
  const errors: FieldError[] = [...dryRunErrors(sent.dryRun ?? [])];
  const field = Path.of('propagationPolicy');
  if (policy !== undefined && sent.orphanDependents !== undefined) {
    errors.push(invalid(field, policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy)) {
    errors.push(notSupported(field, policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  if (errors.length > 0) throw invalidObject('meta.k8s.io', 'DeleteOptions', '', errors);
  const period = sent.gracePeriodSeconds;
  return {
    gracePeriodSeconds: period === undefined || period === null ? undefined : period < 0 ? 1 : period,
    propagationPolicy: policy,
    orphanDependents: sent.orphanDependents ?? undefined,
    preconditions: sent.preconditions ?? undefined,
    dryRun: (sent.dryRun?.length ?? 0) > 0,
    sent: { ...sent, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
  };
}

async function deleteBody(exchange: Exchange): Promise<Omit<ApiObject, 'metadata'> | undefined> {
  const { body } = exchange;
  if (body.form === 'value' ? body.value === undefined : (await body.read()).length === 0) return undefined;
  const schema = { type: 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions' };
  const { metadata: _, ...sent } = await decodeBody(exchange, { apiVersion: '', kind: 'DeleteOptions', schema, anyVersion: true }, 'Ignore');
  return sent;
}

function fromQuery(query: Query): Sent {
  const grace = query.get('gracePeriodSeconds');
  const problem = grace === null ? undefined : int64Problem(grace);
  if (problem !== undefined) throw badRequest(problem);
  const orphan = query.get('orphanDependents');
  const uid = query.get('uid') || undefined;
  const resourceVersion = query.get('resourceVersion') || undefined;
  return {
    ...(grace !== null && { gracePeriodSeconds: Number(grace) }),
    ...(query.get('propagationPolicy') && { propagationPolicy: query.get('propagationPolicy') as string }),
    ...(orphan !== null && { orphanDependents: orphan !== 'false' && orphan !== '0' }),
    ...((uid ?? resourceVersion) !== undefined && { preconditions: { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) } }),
    ...(query.has('dryRun') && { dryRun: query.getAll('dryRun') }),
  };
}
