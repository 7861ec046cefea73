/** Objects as Table: the columns that kubectl prints. */
import { goQuote } from '../../api/go-quote.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { ApiObject, Column, Kind } from '../../api/kind.ts';
import { badRequest } from '../../api/status.ts';
import { partialMetadata } from './partial.ts';

export interface TableOptions {
  readonly kind: { readonly columns?: Kind['columns'] | undefined; readonly rowConditions?: Kind['rowConditions'] | undefined };
  readonly version: string;
  /** What each row carries besides its cells. */
  readonly include: 'Metadata' | 'Object' | 'None';
  readonly now: number;
  readonly columns: boolean;
  /** An object in the version that was asked for, for `Object`. */
  readonly show: (object: DeepReadonly<ApiObject>) => object;
}

/** Throws 400. */
export function includeOption(text: string | null): TableOptions['include'] {
  if (text === null || text === '') return 'Metadata';
  if (text === 'Metadata' || text === 'Object' || text === 'None') return text;
  throw badRequest(`Unable to convert to Table as requested: includeObject: Invalid value: ${goQuote(text)}: must be 'Metadata', 'Object', 'None', or empty`);
}

/** `objects` are in their hub version. */
export function table(objects: readonly DeepReadonly<ApiObject>[], metadata: object, options: TableOptions): object {
  const { kind, version, include, now, show } = options;
  const columns = kind.columns ?? DEFAULT_COLUMNS;
  return {
    kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata,
    columnDefinitions: options.columns ? columns.map(definition) : null,
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object as ApiObject, now)),
      ...conditionsOf(kind, object),
      object: include === 'None' ? null : include === 'Metadata' ? partialMetadata(object, version) : show(object),
    })),
  };
}

function conditionsOf({ rowConditions }: TableOptions['kind'], object: DeepReadonly<ApiObject>): object | undefined {
  const conditions = rowConditions?.(object as ApiObject);
  return conditions && { conditions };
}

function definition({ name, type, format = '', description = '', priority }: Column): object {
  return { name, type, format, description, priority };
}

/** Of kinds without columns of their own. */
const DEFAULT_COLUMNS: readonly Column[] = [
  { name: 'Name', type: 'string', format: 'name', description: 'Name must be unique within a namespace.', priority: 0, cell: ({ metadata }) => metadata.name ?? '' },
  { name: 'Created At', type: 'date', description: 'When the object was created.', priority: 0, cell: ({ metadata }) => metadata.creationTimestamp ?? null },
];
