/** What is found out about a value that cannot change is found out once. */

/**
 * The same function, which remembers what it found for frozen values, as long as these are there. It must depend on its value
 * alone, and nobody may change what it gives. Values that are frozen are taken to be frozen throughout.
 */
export function remembered<A extends object, R extends NonNullable<unknown>>(find: (value: A) => R): (value: A) => R {
  const known = new WeakMap<A, R>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const found = find(value);
    if (Object.isFrozen(value)) known.set(value, found);
    return found;
  };
}
