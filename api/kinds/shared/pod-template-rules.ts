/** The rules for pod templates, and for the workloads that hold one together with a selector. */
import { type FieldError, type Path, byKeys, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { PodTemplateSpec } from '../../types/core.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { checkLabelSelector, isEmptySelector, isMalformed, selects, shownSelector } from './label-selector.ts';
import { checkAnnotations, checkLabels } from './object-meta.ts';
import { checkAnnotationsMatchFields, checkPodAnnotations } from './pod-annotation-rules.ts';
import { checkPodSpec } from './pod-spec-rules.ts';

export function checkPodTemplate(template: PodTemplateSpec | undefined, path: Path): FieldError[] {
  const spec = template?.spec ?? { containers: [] };
  const annotations = template?.metadata?.annotations;
  const ephemeral = spec.ephemeralContainers?.length ?? 0;
  return [
    ...checkLabels(template?.metadata?.labels, path.child('labels')),
    ...checkAnnotations(annotations, path.child('annotations')),
    ...checkPodAnnotations(annotations, spec, path.child('annotations')),
    ...checkPodSpec(spec, path.child('spec')),
    ...checkAnnotationsMatchFields(annotations, spec, path.child('spec')),
    ...(ephemeral > 0 ? [forbiddenField(path.child('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template')] : []),
  ];
}

/** Workloads that keep pods running let them restart always, and set no deadline. */
export function checkAlwaysRunning(template: PodTemplateSpec | undefined, workload: string, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const policy = template?.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported(path.child('spec', 'restartPolicy'), policy, ['Always']));
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const field = path.child('spec', 'activeDeadlineSeconds');
    errors.push(forbiddenField(field, `activeDeadlineSeconds in ${workload} is not Supported`));
  }
  return errors;
}

export function checkWorkloadSelector(selector: LabelSelector | undefined, workload: string, path: Path): FieldError[] {
  if (!selector) return [required(path)];
  const errors = checkLabelSelector(selector, path);
  return isEmptySelector(selector) ? [...errors, invalid(path, shownSelector(selector), `empty selector is invalid for ${workload}`)] : errors;
}

/** What a template must be, unless its selector makes no sense. */
export function checkSelectedTemplate(
  { selector, template }: { readonly selector?: LabelSelector | undefined; readonly template?: PodTemplateSpec | undefined },
  path: Path,
  malformed: string,
  rest: () => FieldError[],
): FieldError[] {
  if (isMalformed(selector)) return [invalid(path.child('selector'), selector && shownSelector(selector), malformed)];
  return [...checkSelectsTemplate(selector, template, path.child('template')), ...rest()];
}

/** An absent selector selects nothing. An empty one, refused elsewhere, selects everything. */
function checkSelectsTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, path: Path): FieldError[] {
  if (selector && isEmptySelector(selector)) return [];
  const labels = template?.metadata?.labels;
  if (selects(selector, labels)) return [];
  return [invalid(path.child('metadata', 'labels'), labels && byKeys(labels), '`selector` does not match template `labels`')];
}
