/** Deployments that go back by themselves: from what has not proven itself, to what has. */
import type { Raw } from '../picture.ts';
import { Held, keyOf, type Rule, type Scene } from './rule.ts';

const ROLLED_BACK = 'coracle.dev/rolled-back';
const PROVEN = 'coracle.dev/proven';

export function rollbackRule(scene: Scene): Rule {
  const held = new Held();
  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      const at = scene.monotonic();
      if (raw.kind === 'ReplicaSet') held.set(keyOf(raw), now?.metadata.annotations?.[PROVEN] !== undefined, at);
      if (raw.kind !== 'Deployment' || !now) return;
      const [note, was] = [now, before].map((one) => one?.metadata.annotations?.[ROLLED_BACK]);
      if (note === undefined || note === was) return;
      const [, from = '', to = ''] = /^(\S+) -> (\S+): /.exec(note) ?? [];
      const { namespace } = raw.metadata;
      if (held.isKnown(`${namespace}/${from}`, at)) scene.say(`${keyOf(raw)} went back from ${from}, which had proven itself`);
      if (!held.has(`${namespace}/${to}`)) scene.say(`${keyOf(raw)} went back to ${to}, which had not proven itself`);
    },
  };
}
