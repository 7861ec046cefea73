/** Keys that occur twice in JSON that has no schema, told by their paths. */
import type { JsonText } from './json-text.ts';

/** `spec.ports[0].port`, in the order in which a decoder meets them. */
export function duplicatePaths({ value, duplicates }: JsonText): string[] {
  if (!duplicates) return [];
  const paths: string[] = [];
  const visit = (inner: unknown, path: string): void => {
    if (Array.isArray(inner)) inner.forEach((item, i) => visit(item, `${path}[${i}]`));
    else if (typeof inner === 'object' && inner !== null) {
      const twice = [...(duplicates.get(inner) ?? [])];
      const tellUpTo = (index: number): void => {
        while (twice[0] && twice[0].after <= index) paths.push(below(path, twice.shift()?.key ?? ''));
      };
      Object.entries(inner).forEach(([key, field], index) => {
        tellUpTo(index);
        visit(field, below(path, key));
      });
      tellUpTo(Infinity);
    }
  };
  visit(value, '');
  return [...new Set(paths)];
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
