/**
 * Reads what a running server serves, and compares it with the facts table. Run: node tools/facts/read-server.ts URL RESOURCES.json
 * URL: a server that answers without credentials, such as `kubectl proxy`. Writes the resources file for write-table.ts; prints how the
 * server's OpenAPI documents differ from those made from the table, and exits with 1 where they do.
 */
import { writeFileSync } from 'node:fs';
import type { ResourceFact, SubresourceFact } from '../../api/facts/fact.ts';
import { builtinKinds } from '../../api/kinds/index.ts';
import { openApiV3 } from '../../api/openapi/v3.ts';

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: Gvk;
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string; readonly responseKind?: Gvk; readonly verbs: readonly string[]; readonly acceptedTypes?: readonly Gvk[] }[];
}
interface Discovery {
  readonly items: readonly { readonly metadata: { readonly name?: string }; readonly versions: readonly { readonly version: string; readonly resources: readonly DiscoveredResource[] }[] }[];
}

const [url, file] = process.argv.slice(2);
if (!url || !file) throw new Error('usage: read-server.ts URL RESOURCES.json');

await writeResources(url, file);
const differences = await compareDocuments(url);
for (const line of differences) console.log(line);
process.exitCode = differences.length > 0 ? 1 : 0;

async function get<T>(path: string, accept = 'application/json'): Promise<T> {
  const response = await fetch(new URL(path, url), { headers: { accept } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

async function writeResources(server: string, target: string): Promise<void> {
  const groups: { group: string; versions: string[]; allVersions: string[] }[] = [];
  const resources: (ResourceFact & { default: boolean })[] = [];
  for (const root of ['/api', '/apis']) {
    const { items } = await get<Discovery>(new URL(root, server).pathname, 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    for (const { metadata, versions } of items) {
      const group = metadata.name ?? '';
      const names = versions.map(({ version }) => version);
      groups.push({ group, versions: names, allVersions: names });
      for (const { version, resources: found } of versions) {
        const hashes = await hashesOf(group, version);
        resources.push(...found.map((resource) => resourceFact({ group, version }, resource, hashes.get(resource.resource))));
      }
    }
  }
  writeFileSync(target, `{"groups":${lines(groups)},\n"resources":${lines(resources)}}\n`);
}

function lines(rows: readonly unknown[]): string {
  return `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
}

async function hashesOf(group: string, version: string): Promise<ReadonlyMap<string, string | undefined>> {
  const plain = await get<{ resources: { name: string; storageVersionHash?: string }[] }>(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  return new Map(plain.resources.map(({ name, storageVersionHash }) => [name, storageVersionHash]));
}

function resourceFact(gv: { group: string; version: string }, found: DiscoveredResource, storageVersionHash: string | undefined): ResourceFact & { default: boolean } {
  const full = (gvk: Gvk): Gvk => ({ group: gvk.group || (gvk.version ? '' : gv.group), version: gvk.version || gv.version, kind: gvk.kind });
  const { resource, responseKind, singularResource, scope, verbs, shortNames, categories } = found;
  const subresources = found.subresources?.map((sub): SubresourceFact => ({
    name: sub.subresource, ...(sub.responseKind && { responseKind: full(sub.responseKind) }), verbs: sub.verbs, ...(sub.acceptedTypes && { acceptedTypes: sub.acceptedTypes.map(full) }),
  }));
  return {
    ...gv, resource, kind: responseKind?.kind ?? '', singular: singularResource, namespaced: scope === 'Namespaced', verbs, ...(shortNames && { shortNames }), ...(categories && { categories }),
    ...(storageVersionHash && { storageVersionHash }), ...(subresources && { subresources }), default: true,
  };
}

async function compareDocuments(server: string): Promise<string[]> {
  const { paths } = await get<{ paths: Record<string, { serverRelativeURL: string }> }>(new URL('/openapi/v3', server).pathname);
  const found: string[] = [];
  for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
    const theirs = await get<{ info: { version: string } }>(serverRelativeURL);
    const ours = openApiV3(path, builtinKinds(), { version: theirs.info.version });
    found.push(...(ours ? difference(theirs, ours, path) : [`${path}: not in the table`]));
  }
  return found;
}

function difference(theirs: unknown, ours: unknown, path: string): string[] {
  if (typeof theirs !== 'object' || typeof ours !== 'object' || theirs === null || ours === null) {
    return JSON.stringify(theirs) === JSON.stringify(ours) ? [] : [`${path}: ${short(theirs)}, the table has ${short(ours)}`];
  }
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)].filter((key) => key !== 'description'));
  return [...keys].flatMap((key) => difference((theirs as Record<string, unknown>)[key], (ours as Record<string, unknown>)[key], `${path} ${key}`));
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 120);
}
