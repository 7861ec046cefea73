/** The Table of a custom resource: its printer columns. Provenance: apiextensions-apiserver pkg/registry/customresource/tableconvertor of v0.36. */
import type { ApiObject, Column } from '../kind.ts';
import { goNumber, isInt64Value } from '../go-number.ts';
import { humanDuration, since } from '../kinds/shared/human-duration.ts';
import type { CustomResourceColumnDefinition } from '../types/apiextensions.v1.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import { inKeyOrder } from './key-order.ts';

export type Describe = (type: string, field: string) => string | undefined;

export function compileColumns(definitions: readonly CustomResourceColumnDefinition[] | undefined, describe?: Describe): readonly Column[] {
  const metadata = (field: string): { description?: string } => {
    const description = describe?.('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', field);
    return description === undefined ? {} : { description };
  };
  const name: Column = { name: 'Name', type: 'string', format: 'name', ...metadata('name'), priority: 0, cell: (object) => object.metadata.name ?? '' };
  if (!definitions || definitions.length === 0) {
    return [name, { name: 'Age', type: 'date', ...metadata('creationTimestamp'), priority: 0, cell: (object, now) => since(object.metadata.creationTimestamp, now) }];
  }
  const columns: Column[] = [name];
  for (const definition of definitions) {
    const path = tryCompile(definition.jsonPath);
    // A path that cannot be read ends the columns there.
    if (!path) break;
    columns.push(compileColumn(definition, path));
  }
  return columns;
}

function tryCompile(text: string): JsonPath | undefined {
  try {
    return compileJsonPath(text);
  } catch {
    return undefined;
  }
}

function compileColumn({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition, path: JsonPath): Column {
  return {
    name, type: type as Column['type'], ...(format && { format }), description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0, cell: (object, now) => cellOf(path(object satisfies ApiObject), type, now),
  };
}

function cellOf(found: readonly unknown[] | undefined, type: string, now: number): ReturnType<Column['cell']> {
  if (!found || found.length === 0) return null;
  const value = found[0];
  if (type === 'string') return textOf(value);
  switch (type) {
    case 'integer':
      return typeof value === 'number' || typeof value === 'bigint' ? wholeOf(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? ageOf(value, now) : null;
    default:
      return null;
  }
}

/** What has no room becomes the least of all, as Go converts on common processors. */
function wholeOf(value: number | bigint): number | bigint {
  if (typeof value === 'bigint') return isInt64Value(value) ? value : LEAST;
  const whole = Math.trunc(value);
  return isInt64Value(whole) ? whole : LEAST;
}

const LEAST = -(2n ** 63n);

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '<no value>';
  if (typeof value === 'object') return JSON.stringify(inKeyOrder(value)).replaceAll(/[<>&\u2028\u2029]/g, escaped);
  return typeof value === 'number' || typeof value === 'bigint' ? goNumber(value) : String(value);
}

/** Go's JSON is safe inside HTML. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function ageOf(text: string, now: number): string {
  if (text === '') return '<unknown>';
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? '<invalid>' : humanDuration(now - time);
}
