/** The makings of Table output: columns that many kinds have, and how lists and labels are shown in a cell. */
import { formatSelector, selectLabels } from '../../selectors.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import type { TypedColumn } from '../kind-rules.ts';
import { since } from './human-duration.ts';
import { showSelector } from './label-selector.ts';

type Cell<T> = TypedColumn<T>['cell'];

interface Named {
  metadata: { name?: string; creationTimestamp?: string | null };
}

export const NAME: TypedColumn<Named> = { name: 'Name', type: 'string', format: 'name', priority: 0, cell: (object) => object.metadata.name ?? '' };
export const AGE: TypedColumn<Named> = text('Age', (object, now) => since(object.metadata.creationTimestamp, now));

export function text<T>(name: string, cell: Cell<T>): TypedColumn<T> {
  return { name, type: 'string', priority: 0, cell };
}

/** Only shown with `-o wide`. */
export function wide<T>(name: string, cell: Cell<T>): TypedColumn<T> {
  return { name, type: 'string', priority: 1, cell };
}

export function integer<T>(name: string, cell: Cell<T>): TypedColumn<T> {
  return { name, type: 'integer', priority: 0, cell };
}

export function boolean<T>(name: string, cell: Cell<T>): TypedColumn<T> {
  return { name, type: 'boolean', priority: 0, cell };
}

interface Containers {
  readonly containers?: readonly { readonly name: string; readonly image?: string }[];
}

/** Names and images of a template's containers. */
export function containerColumns<T>(specOf: (object: T) => Containers | undefined): TypedColumn<T>[] {
  return [
    wide('Containers', (object) => (specOf(object)?.containers ?? []).map((container) => container.name).join(',')),
    wide('Images', (object) => (specOf(object)?.containers ?? []).map((container) => container.image ?? '').join(',')),
  ];
}

export function selectorCell(selector: LabelSelector | undefined): string {
  return showSelector(selector) || '<none>';
}

export function labelsCell(labels: Record<string, string> | undefined): string {
  // By the whole text, so that `a/b=c` stands before `a=b`.
  return formatSelector(selectLabels(labels)).split(',').sort().join(',') || '<none>';
}

const SHOWN = 3;

/** The first three and how many follow. */
export function someOf(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const shown = items.slice(0, SHOWN).join(',');
  return items.length > SHOWN ? `${shown} + ${items.length - SHOWN} more...` : shown || none;
}
