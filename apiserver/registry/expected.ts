/** What a body is expected to hold: one kind, in versions that it may name. */
import type { KindVersion } from '../../api/kind.ts';
import type { Schema } from '../../api/schema.ts';

export interface Expected {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
  /** Options are known in every group's version. */
  readonly anyVersion?: boolean;
  /** Older versions that are read like this one. */
  readonly alsoVersions?: readonly string[];
  readonly unreadable?: KindVersion['unreadable'] | undefined;
}
