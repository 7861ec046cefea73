/** All functions by name. Those of one name from several libraries are one function. */
import { type Overload, readOverload, type Row } from '../function.ts';
import { AUTHORIZATION, JSON_PATCH } from './authorizer.ts';
import { CONVERSIONS } from './conversions.ts';
import { FORMAT_FUNCTIONS } from './format.ts';
import { LISTS } from './lists.ts';
import { NET } from './net.ts';
import { OPERATORS } from './operators.ts';
import { STRINGS } from './strings.ts';
import { URLS } from './urls.ts';
import { VERSIONS } from './versions.ts';

const LIBRARIES: readonly Readonly<Record<string, readonly Row[]>>[] = [OPERATORS, CONVERSIONS, STRINGS, LISTS, URLS, NET, VERSIONS, FORMAT_FUNCTIONS, AUTHORIZATION, JSON_PATCH];

/** Read when first called: most expressions need few. */
const known = new Map<string, readonly Overload[]>();

export function functionsNamed(name: string): readonly Overload[] | undefined {
  let overloads = known.get(name);
  if (overloads) return overloads;
  const rows = LIBRARIES.flatMap((library) => (Object.hasOwn(library, name) ? (library[name] as readonly Row[]) : []));
  if (rows.length === 0) return undefined;
  overloads = rows.map(readOverload);
  known.set(name, overloads);
  return overloads;
}
