/** Namespaces: nothing is made where there is none, and one that goes leaves nothing behind. */
import type { Raw } from '../picture.ts';
import { Held, type Rule, type Scene } from './rule.ts';

export function namespaceRule(scene: Scene): Rule {
  const inside = new Map<string, Map<string, Raw>>();
  const held = new Held();

  const namespaceGone = (name: string): void => {
    const at = scene.monotonic();
    held.set(`${name} is absent`, true, at);
    for (const [uid, { kind, metadata }] of inside.get(name) ?? []) if (held.isKnown(uid, at)) scene.say(`namespace ${name} went before ${kind} ${metadata.name}`);
  };

  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      const at = scene.monotonic();
      if (raw.kind === 'Namespace') {
        if (now) held.set(`${raw.metadata.name} is absent`, false, at);
        else namespaceGone(raw.metadata.name);
        return;
      }
      const { namespace, uid, name } = raw.metadata;
      if (namespace === undefined) return;
      if (!before && held.isKnown(`${namespace} is absent`, at)) scene.say(`${raw.kind} ${name} was made in namespace ${namespace}, which is gone`);
      const mine = inside.get(namespace) ?? new Map<string, Raw>();
      inside.set(namespace, mine);
      held.set(uid, now !== undefined, at);
      if (now) mine.set(uid, now);
      else mine.delete(uid);
    },
  };
}
