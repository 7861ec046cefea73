/** Owners: nothing is collected that somebody still owns, what was orphaned stays, and who waits for dependents goes last. */
import type { Raw } from '../picture.ts';
import { Held, isDeleting, type Rule, type Scene } from './rule.ts';

/** Objects with this label are made and deleted by users, by their roots alone; all else is the garbage collector's work. */
export const GRAPH_LABEL = 'graph';
/** The value of roots, which users delete. */
export const ROOT = 'root';

export function garbageRule(scene: Scene): Rule {
  const objects = new Map<string, Raw>();
  const orphans = new Set<string>();
  const leaving = new Set<string>();
  const held = new Held();
  /** Its kind goes, and all of that kind with it. */
  let boatsLeave = false;

  const isSpared = ({ kind, metadata: { namespace = '' } }: Raw): boolean => leaving.has(namespace) || (boatsLeave && kind === 'Boat');

  const isSolid = (uid: string): boolean => {
    const owner = objects.get(uid);
    return owner !== undefined && !(isDeleting(owner) && owner.metadata.finalizers?.includes('foregroundDeletion'));
  };

  const goes = (raw: Raw): void => {
    const { uid, name, namespace = '', ownerReferences = [], labels } = raw.metadata;
    if (labels?.[GRAPH_LABEL] === ROOT || isSpared(raw)) return;
    const text = `${raw.kind} ${namespace}/${name} is deleted`;
    const solid = ownerReferences.find((owner) => isSolid(owner.uid));
    if (solid) scene.say(`${text} though ${solid.kind} ${solid.name} owns it`);
    if (orphans.has(uid)) scene.say(`${text} though it was orphaned`);
  };

  const gone = (raw: Raw): void => {
    const { uid, name, finalizers = [], namespace = '' } = raw.metadata;
    objects.delete(uid);
    if (!finalizers.includes('foregroundDeletion') || isSpared(raw)) return;
    for (const other of objects.values()) {
      const blocks = other.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion);
      if (blocks && held.isKnown(other.metadata.uid, scene.monotonic())) scene.say(`${raw.kind} ${namespace}/${name} went before ${other.kind} ${other.metadata.name}, which it was to wait for`);
    }
  };

  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      const { uid, labels } = raw.metadata;
      if (raw.kind === 'Namespace') {
        if (now && isDeleting(now)) leaving.add(raw.metadata.name);
        else leaving.delete(raw.metadata.name);
      }
      if (raw.kind === 'CustomResourceDefinition') boatsLeave = !now || isDeleting(now);
      if (labels?.[GRAPH_LABEL] === undefined) return;
      if ((!now || isDeleting(now)) && before && !isDeleting(before)) goes(before);
      held.set(uid, now !== undefined, scene.monotonic());
      if (!now) return gone(raw);
      if (before?.metadata.ownerReferences?.length && !now.metadata.ownerReferences?.length) orphans.add(uid);
      objects.set(uid, now);
    },
  };
}
