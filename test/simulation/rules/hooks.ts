/** Webhooks: what they must have seen they have seen, whatever fails on the way. */
import { Recent, type Raw } from '../picture.ts';
import { HOOKED_NAMESPACE, MARK, type FakeHooks } from '../hooks.ts';
import { Held, UNHEARD_MS, isDeleting, keyOf, type Rule, type Scene } from './rule.ts';

export function hookRule(scene: Scene, hooks: Pick<FakeHooks, 'troubledAt' | 'isWell'>): Rule {
  const held = new Held();
  const ignores = new Recent(1, UNHEARD_MS);
  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      const at = scene.monotonic();
      if (raw.kind === 'MutatingWebhookConfiguration') {
        held.set('asked', now !== undefined && !isDeleting(now), at);
        const [hook] = (raw as { readonly webhooks?: readonly { readonly failurePolicy?: string }[] }).webhooks ?? [];
        ignores.set(hook?.failurePolicy === 'Ignore' ? 1 : 0, at);
      }
      if (raw.kind !== 'Pod' || before || raw.metadata.namespace !== HOOKED_NAMESPACE || !held.isKnown('asked', at)) return;
      if (raw.metadata.annotations?.[MARK] !== undefined) return;
      const answered = hooks.isWell && at - hooks.troubledAt > UNHEARD_MS;
      if (answered || ignores.max(at) === 0) scene.say(`pod ${keyOf(raw)} was made behind the back of its webhook`);
    },
  };
}
