/** Webhooks: what they must have seen they have seen, whatever fails on the way, and what they forbid is not there. */
import { Recent, type Raw } from '../picture.ts';
import { FORBIDDEN, HOOKED_NAMESPACE, MARK, type FakeHooks } from '../hooks.ts';
import { Held, UNHEARD_MS, isDeleting, keyOf, type Rule, type Scene } from './rule.ts';

export function hookRule(scene: Scene, hooks: Pick<FakeHooks, 'troubledAt' | 'isWell'>): Rule {
  const held = new Held();
  const ignores = { MutatingWebhookConfiguration: new Recent(1, UNHEARD_MS), ValidatingWebhookConfiguration: new Recent(1, UNHEARD_MS) };

  /** Whether nothing could pass it that it had not seen. */
  const isAsked = (kind: keyof typeof ignores): boolean => {
    const at = scene.monotonic();
    const answered = hooks.isWell && at - hooks.troubledAt > UNHEARD_MS;
    return held.isKnown(kind, at) && (answered || ignores[kind].max(at) === 0);
  };
  const isForbidden = (raw: Raw | undefined): boolean => raw?.metadata.labels?.[FORBIDDEN] !== undefined;

  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      const at = scene.monotonic();
      if (raw.kind === 'MutatingWebhookConfiguration' || raw.kind === 'ValidatingWebhookConfiguration') {
        held.set(raw.kind, now !== undefined && !isDeleting(now), at);
        const [hook] = (raw as { readonly webhooks?: readonly { readonly failurePolicy?: string }[] }).webhooks ?? [];
        ignores[raw.kind].set(hook?.failurePolicy === 'Ignore' ? 1 : 0, at);
      }
      if (raw.metadata.namespace !== HOOKED_NAMESPACE) return;
      if (raw.kind === 'Pod' && !before && raw.metadata.annotations?.[MARK] === undefined && isAsked('MutatingWebhookConfiguration')) scene.say(`pod ${keyOf(raw)} was made behind the back of its webhook`);
      if (raw.kind === 'ConfigMap' && isForbidden(now) && !isForbidden(before) && isAsked('ValidatingWebhookConfiguration')) scene.say(`${keyOf(raw)} was written, which its webhook forbids`);
    },
  };
}
