/** Comparing and hashing pod templates. */
import type { PodTemplateSpec } from '../../api/types/core.v1.ts';
import { deepEqual, type DeepReadonly } from '../../std/deep.ts';

export const HASH_LABEL = 'pod-template-hash';

type Template = DeepReadonly<PodTemplateSpec> | undefined;

/** Whether two templates ask for the same pods; the label that tells ReplicaSets apart does not count. */
export function sameTemplate(a: Template, b: Template): boolean {
  return deepEqual(withoutHash(a), withoutHash(b));
}

/** A short text that stays the same for the same template and count: FNV-1a of its canonical JSON, in the alphabet of names. */
export function templateHash(template: Template, collisionCount: number | undefined): string {
  const hash = fnv(canonical(withoutHash(template)) + (collisionCount === undefined ? '' : `#${collisionCount}`));
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

function withoutHash(template: Template): unknown {
  const { labels, annotations, creationTimestamp: _, ...metadata } = template?.metadata ?? {};
  const { [HASH_LABEL]: __, ...others } = labels ?? {};
  return {
    ...template,
    metadata: { ...metadata, ...(Object.keys(others).length > 0 && { labels: others }), ...(annotations && Object.keys(annotations).length > 0 && { annotations }) },
  };
}
