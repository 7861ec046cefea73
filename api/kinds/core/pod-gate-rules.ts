/** Pods that wait behind a scheduling gate: what they ask of a node may still be narrowed. */
import { type FieldError, type Path, invalid } from '../../field-error.ts';
import type { NodeAffinity, NodeSelectorTerm, PodSpec } from '../../types/core.v1.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

/** Checks the changes and undoes them in `rest`, so that what is left can be compared as a whole. */
export function checkGatedSpec(rest: PodSpec, old: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!semanticEqual(rest.nodeSelector ?? {}, old.nodeSelector ?? {})) {
    const kept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => rest.nodeSelector?.[key] === value);
    if (!kept) {
      const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
      errors.push(invalid(path.child('nodeSelector'), rest.nodeSelector ?? null, why));
    }
    if (old.nodeSelector) rest.nodeSelector = old.nodeSelector;
    else delete rest.nodeSelector;
  }
  const before = old.affinity?.nodeAffinity;
  const now = rest.affinity?.nodeAffinity;
  if (semanticEqual(before, now)) return errors;
  errors.push(...checkAffinityChange(now, before, path.child('affinity', 'nodeAffinity')));
  restoreAffinity(rest, old);
  return errors;
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

function checkAffinityChange(affinity: NodeAffinity | undefined, old: NodeAffinity | undefined, path: Path): FieldError[] {
  const before = old?.[REQUIRED]?.nodeSelectorTerms ?? [];
  const terms = affinity?.[REQUIRED]?.nodeSelectorTerms ?? [];
  const field = path.child(REQUIRED, 'nodeSelectorTerms');
  if (before.length === 0) return [];
  if (before.length !== terms.length) {
    return [invalid(field, terms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  }
  return before.flatMap((term, at) => {
    const changed = terms[at];
    if (changed && onlyAdds(changed, term)) return [];
    return [invalid(field.index(at), changed, 'only additions are allowed (no mutations or deletions)')];
  });
}

function onlyAdds(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const empty = !old.matchExpressions?.length && !old.matchFields?.length;
  if (empty && (term.matchExpressions?.length || term.matchFields?.length)) return false;
  return (['matchExpressions', 'matchFields'] as const).every((list) =>
    (old[list] ?? []).every((requirement, at) => semanticEqual(requirement, term[list]?.[at])),
  );
}

function restoreAffinity(rest: PodSpec, old: PodSpec): void {
  const { nodeAffinity: _dropped, ...others } = rest.affinity ?? {};
  const before = old.affinity?.nodeAffinity;
  const restored = { ...others, ...(before && { nodeAffinity: before }) };
  if (Object.keys(restored).length === 0 && !old.affinity) delete rest.affinity;
  else rest.affinity = restored;
}
