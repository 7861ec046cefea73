import { readFileSync } from 'node:fs';
import { normalize } from '../../api/codec/json.ts';
import type { ApiObject } from '../../api/kind.ts';
import { builtinKinds } from '../../api/kinds/index.ts';
import { ApiError } from '../../api/status.ts';
import { seededRandom } from '../../std/random.ts';
import type { ResourceCache } from '../cache/cache.ts';
import { Resource } from '../registry/resource.ts';
import { prepareNew, prepareUpdate } from './prepare.ts';

/** An object, or an old and a new one, and what the rules of kube-apiserver v1.36.3 said to it, in their order. */
interface Answer {
  readonly apiVersion: string;
  readonly kind: string;
  readonly subresource?: string;
  readonly object: object;
  readonly old?: object;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
}

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const random = seededRandom(1);
const events = builtinKinds().find(({ kind, group }) => kind === 'Event' && group === '');
const resources = new Map(
  builtinKinds().flatMap((kind) =>
    kind.versions.map((version) => {
      const resource = new Resource(kind, version, undefined as unknown as ResourceCache, kind.kind === 'Event' ? events : kind);
      return [`${resource.apiVersion} ${kind.kind}`, resource] as const;
    }),
  ),
);

function answer({ apiVersion, kind, subresource = '', object, old }: Answer): Pick<Answer, 'errors' | 'warnings'> {
  const resource = resources.get(`${apiVersion} ${kind}`);
  if (!resource) throw new Error(`no ${kind} in ${apiVersion}`);
  const warnings: string[] = [];
  const input = { resource, context: { now: NOW, dryRun: false, subresource, user: 'alice' }, warnings };
  try {
    const now = read(resource, object);
    if (old) prepareUpdate(now, stored(read(resource, old)), input);
    else prepareNew({ random } as Parameters<typeof prepareNew>[0], now, input);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status.code !== 422) throw error;
    return { errors: (error.status.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`) };
  }
  return { warnings };
}

function read(resource: Resource, given: object): ApiObject {
  const { object } = normalize(resource.version.schema, given);
  object.metadata ??= {};
  object.metadata.resourceVersion ??= '1';
  resource.version.defaults?.(object);
  return resource.toHub(object);
}

function stored(object: ApiObject): ApiObject {
  Object.assign(object.metadata, { uid: 'uid-1', creationTimestamp: '2026-01-02T03:04:05Z' });
  return object;
}

const ANSWERS = readFileSync(new URL('fixtures/upstream-answers.jsonl', import.meta.url), 'utf8').trimEnd().split('\n');

test.each(ANSWERS)('%s', (line) => {
  const { errors, warnings, ...request } = JSON.parse(line) as Answer;
  expect(answer(request)).toEqual(errors ? { errors } : { warnings });
});
