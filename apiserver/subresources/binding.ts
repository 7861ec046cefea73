/** Binding: a pod gets its node, once. Provenance: pkg/registry/core/pod/storage of v1.36. */
import { goQuote } from '../../api/go-quote.ts';
import { noteSaid } from '../audit/said.ts';
import { trackUpdate } from '../../api/apply/track-update.ts';
import type { ApiObject } from '../../api/kind.ts';
import { ApiError, badRequest, conflict } from '../../api/status.ts';
import type { Binding, Pod, PodCondition } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { decodeBody } from '../request/decode.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { change } from '../objects/change.ts';
import { checkPreconditions } from '../objects/identity.ts';
import { timestamp } from '../../api/timestamp.ts';
import type { Resource } from '../registry/resource.ts';
import { managerOf, parseWriteOptions, type WriteOptions } from '../request/write-options.ts';
import { admitBody } from './admit-body.ts';

const BINDING = { apiVersion: 'v1', kind: 'Binding', schema: { type: 'io.k8s.api.core.v1.Binding' } } as const;

/** `pods/NAME/binding`, and `bindings`, whose body alone says which pod. */
export async function bind(core: Core, exchange: Exchange, resource: Resource): Promise<Answer> {
  const options = parseWriteOptions(exchange, 'CreateOptions');
  const body = await decodeBody(exchange, BINDING, options.fieldValidation);
  noteSaid(exchange, body);
  const { namespace } = exchange.route;
  const pods = core.registry.find('', 'v1', 'pods') as Resource;
  const name = exchange.route.name || (body.metadata.name ?? '');
  if (body.metadata.namespace && body.metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (name !== (body.metadata.name ?? '')) throw badRequest('name in URL does not match name in Binding object');
  const { target } = body as unknown as Binding;
  checkTarget(target);
  if (name === '') throw badRequest('Name parameter required.');
  const admitted = await admitBody(core, exchange, resource, { object: body, options, prepare: () => own(exchange, body, { options, now: core.clock.now() }) });
  const { resourceVersion } = body.metadata;
  // What is created gets its uid from the server: upstream forgets this one on the way through the collection.
  const uid = exchange.route.name ? body.metadata.uid : undefined;
  await change(core, {
    resource: pods, key: pods.key(namespace, name), name, dryRun: options.dryRun,
    decide(current) {
      const { object } = current as NonNullable<typeof current>;
      checkPreconditions({ ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }, object, { resource: pods, namespace, name, dryRun: options.dryRun });
      refuseUnbindable(object as unknown as DeepReadonly<Pod>, name);
      return { do: 'write', object: assigned(object, admitted, target.name ?? '', timestamp(core.clock.now())) };
    },
  });
  return { type: 'document', code: 201, object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

/** What extensions are shown has a namespace and owners. */
function own(exchange: Exchange, body: ApiObject, { options, now }: { readonly options: WriteOptions; readonly now: number }): void {
  body.metadata.namespace = exchange.route.namespace;
  trackUpdate({ schema: BINDING.schema, live: undefined, next: body, manager: managerOf(options, exchange), apiVersion: 'v1', subresource: exchange.route.subresource, now });
}

/** Upstream tells these without a reason. */
function checkTarget(target: Binding['target'] | undefined): void {
  const problems: string[] = [];
  const kind = target?.kind ?? '';
  if (kind !== '' && kind !== 'Node') problems.push(`target.kind: Unsupported value: ${goQuote(kind)}: supported values: "Node", "<empty>"`);
  if (!target?.name) problems.push('target.name: Required value');
  if (problems.length > 0) throw new ApiError({ code: 500, message: problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]` });
}

function refuseUnbindable(pod: DeepReadonly<Pod>, name: string): void {
  const about = { group: '', resource: 'pods/binding', name };
  if (pod.metadata?.deletionTimestamp) throw conflict(about, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) throw conflict(about, `pod ${name} is already assigned to node ${goQuote(pod.spec.nodeName)}`);
  if (pod.spec?.schedulingGates?.length) throw conflict(about, `pod ${name} has non-empty .spec.schedulingGates`);
}

/** The pod on its node; whatever stays as it was is shared with the pod before. */
function assigned(before: Readonly<ApiObject>, { metadata: { annotations, labels } }: ApiObject, node: string, now: string): ApiObject {
  const { spec, status: known } = before as unknown as Pod;
  const { metadata } = before;
  const conditions = known?.conditions ?? [];
  const waited = conditions.find(({ type }) => type === 'PodScheduled');
  const changedAt = waited?.status === 'True' ? waited.lastTransitionTime : now;
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: changedAt } as unknown as PodCondition;
  const { nominatedNodeName: _, ...status } = known ?? {};
  return {
    ...before,
    metadata: {
      ...metadata,
      ...(annotations && { annotations: { ...metadata.annotations, ...annotations } }),
      ...(labels && { labels: { ...metadata.labels, ...labels } }),
    },
    spec: { ...spec, nodeName: node },
    status: { ...status, conditions: waited ? conditions.map((one) => (one === waited ? scheduled : one)) : [...conditions, scheduled] },
  } as ApiObject;
}
