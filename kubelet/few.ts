/** Maps that are empty most of the time, of which there are many: the empty ones are one and the same, and a change makes a new one. */

export const NONE: ReadonlyMap<string, never> = new Map<string, never>();

export function including<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

export function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = [...map].filter(([other]) => other !== key);
  return rest.length === 0 ? NONE : new Map(rest);
}
