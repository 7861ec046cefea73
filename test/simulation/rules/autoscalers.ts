/** Autoscalers: never outside their bounds, and never down again before the time that a larger size was asked for has passed. */
import { Recent, type Raw } from '../picture.ts';
import { UNHEARD_MS, keyOf, type Rule, type Scene } from './rule.ts';

const DEFAULT_WINDOW_S = 300;

interface Scaler {
  readonly min: Recent;
  readonly max: Recent;
  readonly windowMs: number;
  /** Larger sizes that were asked for, by the clock on the wall. */
  ups: { readonly to: number; readonly wall: number }[];
}

interface Spec {
  readonly scaleTargetRef: { readonly name: string };
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly behavior?: { readonly scaleDown?: { readonly stabilizationWindowSeconds?: number } };
}

export function autoscalerRule(scene: Scene): Rule {
  /** By the key of the Deployment. */
  const scalers = new Map<string, Scaler>();

  const scalerSet = (raw: Raw): void => {
    const { scaleTargetRef, minReplicas = 1, maxReplicas, behavior } = raw.spec as unknown as Spec;
    const key = `${raw.metadata.namespace}/${scaleTargetRef.name}`;
    const known = scalers.get(key);
    known?.min.set(minReplicas, scene.monotonic());
    known?.max.set(maxReplicas, scene.monotonic());
    if (!known) scalers.set(key, { min: new Recent(minReplicas, UNHEARD_MS), max: new Recent(maxReplicas, UNHEARD_MS), windowMs: (behavior?.scaleDown?.stabilizationWindowSeconds ?? DEFAULT_WINDOW_S) * 1000, ups: [] });
  };

  const resized = (key: string, scaler: Scaler, from: number, to: number): void => {
    const at = scene.monotonic();
    const { min, max, windowMs } = scaler;
    if (to < min.min(at) || to > max.max(at)) scene.say(`${key} was scaled from ${from} to ${to}, outside of ${min.min(at)} to ${max.max(at)}`);
    const wall = scene.wall();
    // What was decided was written somewhat later.
    scaler.ups = scaler.ups.filter((up) => wall - up.wall < windowMs - UNHEARD_MS);
    if (scene.isRelaxed()) {
      scaler.ups = [];
      return;
    }
    // Who only comes up to the lower bound was not asked for by any metric.
    if (to > from && to > min.max(at)) scaler.ups.push({ to, wall });
    if (to > from) return;
    const wanted = scaler.ups.reduce((most, up) => Math.max(most, up.to), 0);
    if (to < Math.min(wanted, max.min(at))) scene.say(`${key} was scaled from ${from} to ${to}, though ${wanted} were wanted within the last ${windowMs / 1000} s`);
  };

  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      if (raw.kind === 'HorizontalPodAutoscaler') {
        if (now) scalerSet(now);
        else scalers.delete(`${raw.metadata.namespace}/${(raw.spec as unknown as Spec).scaleTargetRef.name}`);
      }
      if (raw.kind !== 'Deployment' || !now || !before) return;
      const scaler = scalers.get(keyOf(raw));
      const [from, to] = [Number(before.spec?.['replicas'] ?? 1), Number(now.spec?.['replicas'] ?? 1)];
      if (scaler && from !== to) resized(keyOf(raw), scaler, from, to);
    },
  };
}
