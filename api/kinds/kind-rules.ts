/** What a built-in kind adds to the facts of discovery: its file under `api/kinds/<group>/` exports one of these. */
import type { ApiObject, Column, KindVersion, Strategy } from '../kind.ts';

export interface KindRules {
  readonly strategy?: Strategy;
  readonly columns?: readonly Column[];
  readonly selectableFields?: Readonly<Record<string, (object: ApiObject) => string>>;
  /** Of the only served version. Kinds with several say so per version. */
  readonly defaults?: (object: ApiObject) => void;
  readonly versions?: Readonly<Record<string, Pick<KindVersion, 'defaults' | 'toHub' | 'fromHub' | 'deprecated'>>>;
  readonly hub?: string;
  /** Where upstream stores it under another name than its plural. */
  readonly storagePath?: string;
  readonly ttlSeconds?: number;
  readonly relaxedDurability?: boolean;
}
