/** The common strategy: the main resource leaves the status alone, the status subresource leaves everything else alone. */
import { emptiesOf, hasNotes } from '../../codec/empties.ts';
import type { FieldError } from '../../field-error.ts';
import type { Metadata, RuleContext } from '../../kind.ts';
import type { TypedStrategy } from '../kind-rules.ts';
import { semanticEqual } from './semantic-equal.ts';

/** Metadata that writes to the status may not touch; `all`: none of it. */
type KeptMetadata = readonly ('labels' | 'annotations' | 'ownerReferences' | 'finalizers' | 'deletionTimestamp')[];
export const ALL_METADATA: KeptMetadata = ['labels', 'annotations', 'ownerReferences', 'finalizers', 'deletionTimestamp'];

export interface SplitRules<T> extends Omit<TypedStrategy<T>, 'validateUpdate' | 'movesGeneration'> {
  /** Top-level fields whose change is a new generation; `annotations` are those of the metadata. */
  readonly generation?: readonly string[];
  /** An empty list or map in them is a change as well: what is stored has none. */
  readonly exactGeneration?: true;
  /** Kinds without a status subresource keep what is sent. */
  readonly noStatus?: boolean;
  /** Clients may send a status along when they create it: nodes. */
  readonly keepsStatusOnCreate?: boolean;
  readonly statusKeeps?: KeptMetadata;
  readonly prepareStatus?: (object: T, old: T, context: RuleContext) => void;
  readonly validateUpdate?: (object: T, old: T, context: RuleContext) => FieldError[];
  readonly validateStatus?: (object: T, old: T, context: RuleContext) => FieldError[];
}

interface Parts {
  metadata: Metadata;
  [field: string]: unknown;
}

export function splitStrategy<T extends object>(rules: SplitRules<T>): TypedStrategy<T> {
  const { generation, exactGeneration, noStatus, keepsStatusOnCreate, statusKeeps, prepareStatus, validateStatus, ...strategy } = rules;
  return {
    ...strategy,
    prepareForCreate(object, context) {
      if (!noStatus && !keepsStatusOnCreate) delete (object as unknown as Parts)['status'];
      strategy.prepareForCreate?.(object, context);
    },
    prepareForUpdate(object, old, context) {
      if (!noStatus && context.subresource === 'status') {
        keepAllButStatus(object as unknown as Parts, old as unknown as Parts, statusKeeps ?? []);
        prepareStatus?.(object, old, context);
      } else {
        if (!noStatus) keep(object as unknown as Parts, old as unknown as Parts, 'status');
        strategy.prepareForUpdate?.(object, old, context);
      }
    },
    validateUpdate(object, old, context) {
      if (!noStatus && context.subresource === 'status') return validateStatus?.(object, old, context) ?? [];
      return strategy.validateUpdate?.(object, old, context) ?? [];
    },
    ...(generation && {
      movesGeneration: (object: T, old: T, context?: RuleContext): boolean =>
        context?.subresource !== 'status' && generation.some((field) => differs(object as unknown as Parts, old as unknown as Parts, field) || (exactGeneration && (hasNotes((object as unknown as Parts)[field]) || isEmptied(object as unknown as Parts, field)))),
    }),
  };
}

/** Whether the whole field came empty. */
function isEmptied(object: Parts, field: string): boolean {
  return object[field] === undefined && emptiesOf(object)?.[field] !== undefined;
}

function keepAllButStatus(object: Parts, old: Parts, kept: KeptMetadata): void {
  for (const field of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (field !== 'status' && field !== 'metadata' && field !== 'apiVersion' && field !== 'kind') keep(object, old, field);
  }
  for (const field of kept) {
    const before = old.metadata[field];
    if (before === undefined) delete object.metadata[field];
    else Object.assign(object.metadata, { [field]: before });
  }
}

/** What is carried over is shared with the old object, which nobody changes. */
export function keep(object: Parts, old: Parts, field: string): void {
  if (old[field] === undefined) delete object[field];
  else object[field] = old[field];
}

function differs(object: Parts, old: Parts, field: string): boolean {
  if (field === 'annotations' || field === 'labels') return !semanticEqual(object.metadata[field], old.metadata[field]);
  return !semanticEqual(object[field], old[field]);
}
