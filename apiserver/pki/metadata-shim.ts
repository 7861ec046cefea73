/**
 * The part of the `reflect-metadata` API that `@peculiar/x509` finds its algorithms through.
 *
 * The library needs it before its first line runs and does not bring it along. Import this file first. It does nothing
 * where somebody has loaded the full package already.
 */
type Target = object;

interface MetadataReflect {
  getMetadata?: (key: unknown, target: Target) => unknown;
  getOwnMetadata?: (key: unknown, target: Target) => unknown;
  hasOwnMetadata?: (key: unknown, target: Target) => boolean;
  defineMetadata?: (key: unknown, value: unknown, target: Target) => void;
  metadata?: (key: unknown, value: unknown) => (target: Target) => void;
}

const reflect = Reflect as MetadataReflect;

if (!reflect.getMetadata) {
  const known = new WeakMap<Target, Map<unknown, unknown>>();
  const own = (key: unknown, target: Target): unknown => known.get(target)?.get(key);
  const define = (key: unknown, value: unknown, target: Target): void => {
    const values = known.get(target) ?? new Map<unknown, unknown>();
    known.set(target, values.set(key, value));
  };
  reflect.getOwnMetadata = own;
  reflect.hasOwnMetadata = (key, target) => known.get(target)?.has(key) ?? false;
  reflect.defineMetadata = define;
  reflect.metadata = (key, value) => (target) => define(key, value, target);
  reflect.getMetadata = (key, target) => {
    for (let at: Target | null = target; at; at = Reflect.getPrototypeOf(at)) {
      const value = own(key, at);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}
