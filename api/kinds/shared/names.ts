/** How `metadata.name` may look, per kind of name. `prefix`: the text is a `generateName`, to which a suffix will be added. */
import { dnsLabel, dnsSubdomain, pathSegment } from './formats.ts';

export type NameRule = (name: string, prefix: boolean) => string[];

export const nameIsSubdomain: NameRule = (name, prefix) => dnsSubdomain(masked(name, prefix));
export const nameIsLabel: NameRule = (name, prefix) => dnsLabel(masked(name, prefix));
export const nameIsPathSegment: NameRule = (name, prefix) => pathSegment(name, prefix);

/** A trailing dash is fine where something follows it. */
function masked(name: string, prefix: boolean): string {
  return prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}
