/** The refusal of an apply that would change fields of others. */
import { ApiError } from '../status.ts';
import { pathText } from './field-set.ts';
import type { Manager } from './managers.ts';
import type { Conflict } from './ownership.ts';

export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const sorted = [...conflicts].sort((a, b) => compareText(sortKey(a.manager), sortKey(b.manager)));
  const causes = sorted.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${print(manager)}`,
    field: pathText(path),
  }));
  return new ApiError({ code: 409, reason: 'Conflict', message: messageOf(sorted), details: { causes } });
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [only, ...others] = conflicts;
  if (only && others.length === 0) return `Apply failed with 1 conflict: conflict with ${print(only.manager)}: ${pathText(only.path)}`;
  const lines: string[] = [];
  let last: Manager | undefined;
  for (const { manager, path } of conflicts) {
    if (manager !== last) lines.push(`conflicts with ${print(manager)}:`);
    last = manager;
    lines.push(`- ${pathText(path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function print({ manager, operation, apiVersion, subresource }: Manager): string {
  const where = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${where}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

function sortKey({ manager, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify({ manager, operation, apiVersion: operation === 'Update' ? apiVersion : undefined, subresource: subresource || undefined });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
