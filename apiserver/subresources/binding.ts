/** Binding: a pod gets its node, once. Provenance: pkg/registry/core/pod/storage of v1.36. */
import type { ApiObject } from '../../api/kind.ts';
import { ApiError, badRequest, conflict } from '../../api/status.ts';
import type { Binding, Pod, PodCondition } from '../../api/types/core.v1.ts';
import { deepCopy } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../decode.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { change } from '../objects/change.ts';
import { checkPreconditions } from '../objects/identity.ts';
import { timestamp } from '../objects/prepare.ts';
import type { Resource } from '../resource.ts';
import { parseWriteOptions } from '../write-options.ts';
import { admitBody } from './admit-body.ts';

/** `pods/NAME/binding`, and `bindings`, whose body alone says which pod. */
export async function bind(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const options = parseWriteOptions(exchange, 'CreateOptions');
  const body = await decodeBody(exchange, { apiVersion: 'v1', kind: 'Binding', schema: { type: 'io.k8s.api.core.v1.Binding' } }, options.fieldValidation);
  const { namespace } = exchange.route;
  const pods = core.registry.find('', 'v1', 'pods') as Resource;
  const name = exchange.route.name || (body.metadata.name ?? '');
  if (body.metadata.namespace && body.metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (name !== body.metadata.name) throw badRequest('name in URL does not match name in Binding object');
  const { target } = body as unknown as Binding;
  checkTarget(target);
  await admitBody(core, exchange, resource, { object: body, options });
  const { uid, resourceVersion } = body.metadata;
  await change(core, {
    resource: pods, key: pods.key(namespace, name), name, dryRun: options.dryRun,
    decide(current) {
      const pod = deepCopy((current as NonNullable<typeof current>).object) as unknown as Pod;
      checkPreconditions({ ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }, pod as unknown as ApiObject, pods, name);
      refuseUnbindable(pod, name);
      assign(pod, body, target.name ?? '', timestamp(core.clock.now()));
      return { do: 'write', object: pod as unknown as ApiObject };
    },
  });
  return { type: 'document', code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

/** Upstream tells these without a reason. */
function checkTarget(target: Binding['target'] | undefined): void {
  const problems: string[] = [];
  const kind = target?.kind ?? '';
  if (kind !== '' && kind !== 'Node') problems.push(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  if (!target?.name) problems.push('target.name: Required value');
  if (problems.length > 0) throw new ApiError({ code: 500, message: problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]` });
}

function refuseUnbindable(pod: Pod, name: string): void {
  const about = { group: '', resource: 'pods/binding', name };
  if (pod.metadata?.deletionTimestamp) throw conflict(about, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) throw conflict(about, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if (pod.spec?.schedulingGates?.length) throw conflict(about, `pod ${name} has non-empty .spec.schedulingGates`);
}

function assign(pod: Pod, binding: ApiObject, node: string, now: string): void {
  const { metadata } = binding;
  Object.assign(pod.spec as object, { nodeName: node });
  const own = pod.metadata as ApiObject['metadata'];
  if (metadata.annotations) own.annotations = { ...own.annotations, ...metadata.annotations };
  if (metadata.labels) own.labels = { ...own.labels, ...metadata.labels };
  const conditions = pod.status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'PodScheduled');
  const changedAt = before?.status === 'True' ? before.lastTransitionTime : now;
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: changedAt } as unknown as PodCondition;
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  pod.status = { ...status, conditions: before ? conditions.map((one) => (one === before ? scheduled : one)) : [...conditions, scheduled] };
}
