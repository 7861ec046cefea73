/**
 * The question to a conversion webhook, and what its answer must be. Pure.
 * Provenance of the rules and their wording: apiextensions-apiserver/pkg/apiserver/conversion of v0.36.
 */
import { goQuote } from '../../api/go-quote.ts';
import { answerProblem, kindProblem } from '../admission/webhooks/review.ts';
import { Path } from '../../api/field-error.ts';
import { goType } from '../../api/go-type.ts';
import { checkAnnotations, checkLabels } from '../../api/kinds/shared/object-meta.ts';

type Json = Record<string, unknown>;

/** An object as it is stored or sent. */
export interface Convertible extends Json {
  apiVersion: string;
  kind: string;
  metadata: Json;
}

const GROUP = 'apiextensions.k8s.io';
const REVIEW = { group: GROUP, kind: 'ConversionReview' };
const KNOWN = ['v1', 'v1beta1'];

/** The first version of reviews that both sides speak. */
export function reviewVersion(versions: readonly string[]): string | undefined {
  return versions.find((version) => KNOWN.includes(version));
}

export function writeReview(objects: readonly Convertible[], { uid, version, desired }: { readonly uid: string; readonly version: string; readonly desired: string }): Json {
  return { kind: 'ConversionReview', apiVersion: `${GROUP}/${version}`, request: { uid, desiredAPIVersion: desired, objects } };
}

interface Response {
  readonly uid?: unknown;
  readonly convertedObjects?: unknown;
  readonly result?: { readonly status?: string; readonly message?: string };
}

export interface Asked {
  readonly uid: string;
  readonly version: string;
  readonly desired: string;
  /** What messages call the objects: `example.com/v1, Kind=Widget`. */
  readonly name: string;
}

/** The converted objects, with the metadata that a webhook may not change. Throws an Error that names the webhook's mistake. */
export function readReview(review: Json, originals: readonly Convertible[], asked: Asked): Convertible[] {
  const { name } = asked;
  const converted = objectsOf(review, asked);
  if (converted.length !== originals.length) throw new Error(`conversion webhook for ${name} returned ${converted.length} objects, expected ${originals.length}`);
  converted.forEach(checkObject);
  return originals.map((original, at) => {
    const object = converted[at] as Partial<Convertible>;
    const where = `invalid object${originals.length > 1 ? ` at index ${at}` : ''}`;
    const wrong = (why: string, what: string = where): Error => new Error(`conversion webhook for ${name} returned ${what}: ${why}`);
    if (object.apiVersion !== asked.desired) throw wrong(`invalid groupVersion (expected ${asked.desired}, received ${object.apiVersion ?? ''})`, `invalid object at index ${at}`);
    if (object.kind !== original.kind) throw wrong(`invalid kind (expected ${original.kind}, received ${object.kind ?? ''})`, `invalid object at index ${at}`);
    for (const [field, word] of [['name', 'name'], ['namespace', 'namespace'], ['uid', 'UID']] as const) {
      const [before, after] = [textOf(original.metadata[field]), textOf(object.metadata?.[field])];
      if (before !== after) throw wrong(`must have the same ${word}: ${before} != ${after}`);
    }
    try {
      return restore(original, object as Convertible);
    } catch (error) {
      throw wrong((error as Error).message, originals.length > 1 ? `invalid metadata in object at index ${at}` : 'invalid metadata');
    }
  });
}

/** What is no object of a kind is told in the words of upstream's decoder. */
function checkObject(object: unknown): void {
  if (object === null) throw new Error('unexpected end of JSON input');
  const type = Array.isArray(object) ? 'array' : typeof object === 'boolean' ? 'bool' : typeof object === 'bigint' ? 'number' : typeof object;
  if (type !== 'object') throw new Error(`json: cannot unmarshal ${type} into Go value of type map[string]interface {}`);
  if (!(object as Json)['kind']) throw new Error(`Object 'Kind' is missing in '${encodeAny(object)}'`);
}

function encodeAny(object: unknown): string {
  return JSON.stringify(object, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
}

function objectsOf(review: Json, { uid, version, name }: Asked): readonly unknown[] {
  const failed = (why: string): Error => new Error(`conversion webhook for ${name} failed: ${why}`);
  const problem = answerProblem(review, version, REVIEW) ?? (version === 'v1' ? kindProblem(review, REVIEW) : undefined);
  if (problem !== undefined) throw failed(problem);
  const answer = review['response'] as Response | null | undefined;
  if (!answer) throw failed('no response provided');
  if (version === 'v1' && answer.uid !== uid) throw failed(`expected response.uid=${goQuote(uid)}, got ${goQuote(textOf(answer.uid))}`);
  const { status = '', message = '' } = answer.result ?? {};
  if (status !== 'Success') throw failed(message || `response.result.status was '${status}', not 'Success'`);
  return Array.isArray(answer.convertedObjects) ? answer.convertedObjects : [];
}

/** Only labels and annotations may come out otherwise than they went in. */
function restore(original: Convertible, converted: Convertible): Convertible {
  if (typeof converted.metadata !== 'object' || converted.metadata === null) throw new Error('missing metadata in converted object');
  const metadata: Json = { ...original.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const given = converted.metadata[field];
    delete metadata[field];
    if (given === undefined || given === null) continue;
    if (typeof given !== 'object' || Array.isArray(given)) throw new Error(`invalid metadata.${field} of type ${goType(given)} in converted object`);
    for (const [key, value] of Object.entries(given)) if (typeof value !== 'string') throw new Error(`metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`);
    if (JSON.stringify(given) !== JSON.stringify(original.metadata[field])) {
      // The path of annotations is upstream's own, without its plural.
      const errors = field === 'labels' ? checkLabels(given as Record<string, string>, Path.of('metadata', 'labels')) : checkAnnotations(given as Record<string, string>, Path.of('metadata', 'annotation'));
      const problems = errors.map((error) => `${error.field}: ${error.message}`);
      if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
    }
    metadata[field] = given;
  }
  return { ...converted, metadata };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
