/** How objects look in a Table. */
import type { ApiObject } from './object.ts';

/** A column of the Table output. `priority` 0 is always shown, 1 only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  readonly priority: number;
  readonly cell: (object: ApiObject, now: number) => string | number | bigint | boolean | null;
}

/** What a row says of its object besides the cells. */
export interface RowCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}
