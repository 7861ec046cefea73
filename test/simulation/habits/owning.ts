/** Deep graphs of owners, custom resources among them, whose roots are deleted in each of the three ways. */
import { configmaps, customresourcedefinitions, secrets, type ResourceRef } from '../../../api/resources.ts';
import { isReason } from '../../../api/status.ts';
import type { CustomResourceDefinition } from '../../../api/types/apiextensions.v1.ts';
import type { OwnerReference } from '../../../api/types/meta.v1.ts';
import { below } from '../../../std/random.ts';
import { GRAPH_LABEL, ROOT } from '../rules/garbage.ts';
import type { Habit, People } from './habit.ts';

/** A namespace that is taken away now and then, and one that stays. */
const NAMESPACES = ['red', 'red', 'green'] as const;
const GROUP = 'simulation.test';
const DEFINITION = `boats.${GROUP}`;
const boats = { group: GROUP, version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true } as unknown as ResourceRef<object>;
const MAX_ROOTS = 4;
const KINDS = [boats, configmaps, secrets] as readonly ResourceRef<object>[];

interface Made {
  readonly resource: ResourceRef<object>;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function owning(people: People): Habit {
  const { client, random } = people;
  const roots: Made[] = [];

  const make = async (namespace: string, resource: ResourceRef<object>, owners: readonly Made[]): Promise<Made | undefined> => {
    const name = `${owners.length === 0 ? 'root' : 'leaf'}-${people.number()}`;
    const ownerReferences = owners.map((owner): OwnerReference => ({ apiVersion: owner.resource.group ? `${owner.resource.group}/v1` : 'v1', kind: owner.resource.kind, name: owner.name, uid: owner.uid, ...(random.next() < 0.7 && { blockOwnerDeletion: true }) }));
    let uid: string | undefined;
    await people.attempt(`create ${resource.kind} ${namespace}/${name} of ${owners.map((owner) => owner.name).join()}`, async () => {
      uid = (await client.create(resource, { metadata: { namespace, name, ownerReferences, labels: { [GRAPH_LABEL]: owners.length === 0 ? ROOT : 'leaf' } } } as never)).metadata.uid;
    });
    return uid === undefined ? undefined : { resource, namespace, name, uid };
  };
  /** Root, branches, leaves; some leaves have two owners. */
  const grow = async (): Promise<void> => {
    const namespace = people.pick(NAMESPACES);
    const root = await make(namespace, people.pick(KINDS), []);
    if (!root) return;
    roots.push(root);
    let above: Made[] = [root];
    for (let depth = 1 + below(random, 3); depth > 0; depth--) {
      const next: Made[] = [];
      for (let i = 1 + below(random, 2); i > 0; i--) {
        const other = random.next() < 0.3 ? roots.find((one) => one.namespace === namespace) : undefined;
        const owners = [...new Set([people.pick(above), ...(other ? [other] : [])])];
        const made = await make(namespace, people.pick(KINDS), owners);
        if (made) next.push(made);
      }
      if (next.length > 0) above = next;
    }
  };
  const fell = async (): Promise<void> => {
    const [root] = roots.splice(below(random, roots.length), 1);
    if (!root) return;
    const propagationPolicy = people.pick(['Background', 'Foreground', 'Orphan'] as const);
    await people.attempt(`delete ${root.resource.kind} ${root.namespace}/${root.name} ${propagationPolicy}`, () => client.delete(root.resource, root, { propagationPolicy }));
  };
  const define = (): Promise<void> => {
    const spec = { group: GROUP, scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }] };
    return people.insist('definition of boats', () => client.create(customresourcedefinitions, { metadata: { name: DEFINITION }, spec } as unknown as CustomResourceDefinition));
  };
  /** All boats go with their kind, which comes back after a while. */
  const redefine = async (): Promise<void> => {
    await people.insist('no definition of boats', () => client.delete(customresourcedefinitions, { name: DEFINITION }));
    for (;;) {
      await people.clockTick();
      const isGone = await client.get(customresourcedefinitions, { name: DEFINITION }).then(() => false, (error: unknown) => isReason(error, 'NotFound'));
      if (isGone) return define();
    }
  };
  return {
    async begin() {
      await define();
      await people.clockTick();
      await grow();
    },
    menu: () => [
      [roots.length < MAX_ROOTS ? 8 : 0, grow],
      [roots.length > 0 ? 6 : 0, fell],
      [1, redefine],
    ],
  };
}
