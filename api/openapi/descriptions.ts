/** Texts for types and fields, read from the declarations of the npm package `kubernetes-models` where it is installed, a type at a time. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { groupFacts } from '../facts/facts.ts';
import type { Describe } from './schemas.ts';

/** Undefined where the package is not installed. */
export function readDescriptions(): Describe | undefined {
  const root = packageRoot('kubernetes-models');
  const machinery = root && packageRoot('@kubernetes-models/apimachinery');
  if (!root) return undefined;
  const known = new Map<string, Texts>();
  const textsOf = (type: string): Texts => {
    let texts = known.get(type);
    if (!texts) {
      const file = declarationOf(type, root, machinery ?? root);
      known.set(type, (texts = file === undefined ? NONE : readTexts(file, type.slice(type.lastIndexOf('.') + 1))));
    }
    return texts;
  };
  return (type, field) => {
    const texts = textsOf(type);
    if (field === undefined) return texts.own;
    return texts.fields.get(field) ?? (field === 'apiVersion' || field === 'kind' ? textsOf(TYPE_META).fields.get(field) : undefined);
  };
}

interface Texts {
  readonly own: string | undefined;
  readonly fields: ReadonlyMap<string, string>;
}

const NONE: Texts = { own: undefined, fields: new Map() };

/** Most declarations take `apiVersion` and `kind` for granted; this one has their texts. */
const TYPE_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

function packageRoot(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** `io.k8s.api.apps.v1.Deployment` → `apps/v1/Deployment.d.ts`. */
function declarationOf(type: string, root: string, machinery: string): string | undefined {
  if (!type.startsWith('io.k8s.')) return undefined;
  const parts = type.split('.');
  const name = parts.pop() ?? '';
  const version = parts.pop() ?? '';
  const group = parts.pop() ?? '';
  if (type.startsWith('io.k8s.apimachinery.pkg.')) return join(machinery, ...type.split('.').slice(4, -1), `${name}.d.ts`);
  const full = group === 'core' ? '' : groupFacts().find((fact) => fact.group !== '' && fact.group.split('.')[0] === group)?.group;
  return full === undefined ? undefined : join(root, full, version, `${name}.d.ts`);
}

const DECLARATION = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export interface I(\w+)[^{]*\{([\s\S]*?)\n\}/g;
const FIELD = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*"([^"]+)"\??:/g;

function readTexts(file: string, name: string): Texts {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch {
    return NONE;
  }
  for (const [, own = '', of, body = ''] of source.matchAll(DECLARATION)) {
    if (of !== name) continue;
    return { own: plain(own), fields: new Map([...body.matchAll(FIELD)].map(([, text = '', field = '']) => [field, plain(text)])) };
  }
  return NONE;
}

/** A comment without its asterisks. */
function plain(comment: string): string {
  return comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd()).join('\n').trim();
}
