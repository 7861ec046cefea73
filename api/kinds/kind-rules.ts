/** What a built-in kind adds to the facts of discovery: its file under `api/kinds/<group>/` exports one of these. */
import type { FieldError } from '../field-error.ts';
import type { ApiObject, Column, KindVersion, RowCondition, RuleContext, Strategy } from '../kind.ts';

/** By subresource, `''` for the main resource. */
export type MetadataChecks = Readonly<Record<string, 0 | 1 | 2 | 'as new'>>;

export interface KindRules {
  readonly strategy?: Strategy;
  readonly columns?: readonly Column[];
  readonly rowConditions?: (object: ApiObject) => readonly RowCondition[] | undefined;
  readonly selectableFields?: Readonly<Record<string, (object: ApiObject) => string>>;
  /** Of the only served version. Kinds with several say so per version. */
  readonly defaults?: (object: ApiObject) => void;
  readonly versions?: Readonly<Record<string, Pick<KindVersion, 'defaults' | 'toHub' | 'fromHub' | 'unreadable' | 'deprecated'>>>;
  readonly hub?: string;
  /** Where upstream stores it under another name than its plural. */
  readonly storagePath?: string;
  readonly blank?: Readonly<Record<string, unknown>>;
  readonly ttlSeconds?: number;
  readonly relaxedDurability?: boolean;
  /** The strategy checks metadata itself. */
  readonly ownMetadataRules?: boolean;
  /** Finalizers need no domain, as those of custom resources. */
  readonly bareFinalizers?: boolean;
  /** How often a kind's own rules for changes check the metadata, as upstream's functions call each other; default once; 'as new': its rules for new objects do. */
  readonly metadataChecks?: MetadataChecks;
  /**
   * What an update of the main resource is held to: the rules for changes alone (default), or also those for new objects,
   * after or before them. Metadata rules come along each time, so that one mistake in it may be told several times.
   */
  readonly updates?: 'changes' | 'changes, then all' | 'all, then changes';
}

/** The same with a generated type in the place of `ApiObject`: within a kind's own file, objects have its shape. */
export interface TypedRules<T> extends Omit<KindRules, 'strategy' | 'columns' | 'rowConditions' | 'selectableFields' | 'defaults'> {
  readonly strategy?: TypedStrategy<T>;
  readonly columns?: readonly TypedColumn<T>[];
  readonly rowConditions?: (object: T) => readonly RowCondition[] | undefined;
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
  readonly defaults?: (object: T) => void;
}

export interface TypedColumn<T> extends Omit<Column, 'cell'> {
  readonly cell: (object: T, now: number) => string | number | boolean | null;
}

export interface TypedStrategy<T>
  extends Omit<
    Strategy,
    'prepareForCreate' | 'prepareForUpdate' | 'validate' | 'validateUpdate' | 'warnings' | 'movesGeneration' | 'gracePeriodSeconds' | 'holdDeletion'
  > {
  readonly prepareForCreate?: (object: T, context: RuleContext) => void;
  readonly prepareForUpdate?: (object: T, old: T, context: RuleContext) => void;
  readonly validate?: (object: T, context: RuleContext) => FieldError[];
  readonly validateUpdate?: (object: T, old: T, context: RuleContext) => FieldError[];
  readonly warnings?: (object: T, old: T | undefined) => string[];
  readonly movesGeneration?: (object: T, old: T, context?: RuleContext) => boolean;
  readonly gracePeriodSeconds?: (object: T, asked: number | undefined) => number;
  readonly holdDeletion?: (object: T, now: number) => void;
}

/** The one place where an object takes the type of its kind: the row it comes through belongs to that kind alone. */
export function rulesFor<T>(rules: TypedRules<T>): KindRules {
  return rules as unknown as KindRules;
}
