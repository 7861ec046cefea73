/** Which form of an answer a client takes: the media type, and whether it is the object, a Table or only its metadata. */
import { ApiError } from '../../api/status.ts';

export type Media = 'json' | 'yaml' | 'protobuf';

export interface Accepted {
  readonly media: Media;
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** Of the Table or metadata: `v1` or `v1beta1`. */
  readonly asVersion: string;
  readonly pretty: boolean;
}

/** What an endpoint can do. */
export interface Offer {
  /** The path is of a route that has looked at the types before anybody else; its refusal names them. Streams: lists are also offered as such. */
  readonly route?: 'plain' | 'streams' | undefined;
  readonly watch?: boolean;
  /** Objects can be had as their metadata. */
  readonly metadata?: boolean;
  readonly tables?: boolean;
  /** Custom resources have no protobuf form; their metadata has. */
  readonly custom?: boolean;
}

const MEDIA: Readonly<Record<Media, string>> = { json: 'application/json', yaml: 'application/yaml', protobuf: 'application/vnd.kubernetes.protobuf' };

export function contentType(media: Media): string {
  return MEDIA[media];
}

export const PLAIN_JSON: Accepted = { media: 'json', as: undefined, asVersion: '', pretty: false };

/** Throws 406. */
export function negotiate(header: string | undefined, offer: Offer, wantsPretty: boolean): Accepted {
  if (!header || header === 'application/json' || header === '*/*') return wantsPretty ? { ...PLAIN_JSON, pretty: true } : PLAIN_JSON;
  if (offer.route && !routeTakes(header, ROUTE_TYPES)) throw routeRefusal(offer.route === 'streams' ? [...ROUTE_TYPES, ...STREAM_TYPES] : ROUTE_TYPES);
  const found = best(header, offer);
  if (!found) throw notAcceptable(ROUTE_TYPES);
  // Nothing else is tried where the best of it cannot be streamed.
  if (offer.watch && found.media === 'yaml') throw notAcceptable(STREAM_TYPES);
  return wantsPretty ? { ...found, pretty: true } : found;
}

/** The form of errors: never refused. Where nothing fits it is JSON that people can read. */
export function negotiateError(header: string | undefined, wantsPretty: boolean): Accepted {
  const found = header ? best(header, {}) : PLAIN_JSON;
  if (!found) return { ...PLAIN_JSON, pretty: true };
  return wantsPretty ? { ...found, pretty: true } : found;
}

/** Throws 406, as a route does that has no other forms. */
export function demandType(header: string | undefined, types: readonly string[]): void {
  if (header && !routeTakes(header, types)) throw routeRefusal(types);
}

/** Which of some types a client likes best; undefined: none. Without a header it is the first. */
export function preferredType<Type extends string>(header: string | undefined, types: readonly Type[]): Type | undefined {
  if (!header) return types[0];
  for (const clause of parseAccept(header)) {
    const found = types.find((type) => matches(clause, type));
    if (found) return found;
  }
  return undefined;
}

/** Whether a header holds anything at all that can be read. */
export function hasClauses(header: string): boolean {
  return parseAccept(header).length > 0;
}

const ALL: readonly Media[] = ['json', 'yaml', 'protobuf'];
const ROUTE_TYPES = ALL.map((media) => MEDIA[media]);
const STREAM_TYPES = (['json', 'protobuf'] as const).map((media) => `${MEDIA[media]};stream=watch`);

function best(header: string, offer: Offer): Accepted | undefined {
  for (const clause of parseAccept(header)) {
    for (const media of ALL) {
      const found = matches(clause, MEDIA[media]) ? formOf(media, clause.parameters, offer) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

/** Undefined: not that way. */
function formOf(media: Media, parameters: ReadonlyMap<string, string>, offer: Offer): Accepted | undefined {
  const stream = parameters.get('stream') ?? '';
  if (stream !== '' && (stream !== 'watch' || media === 'yaml')) return undefined;
  const pretty = parameters.get('pretty') === '1';
  const [as, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
  if (as === undefined && group === undefined && version === undefined) return offer.custom && media === 'protobuf' ? undefined : { media, as: undefined, asVersion: '', pretty };
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return offer.tables && media !== 'protobuf' ? { media, as, asVersion: version, pretty } : undefined;
  if (!offer.metadata || (as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList')) return undefined;
  return { media, as, asVersion: version, pretty };
}

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function matches(clause: Clause, wanted: string): boolean {
  const [type, subtype] = wanted.split('/');
  return (clause.type === type && (clause.subtype === subtype || clause.subtype === '*')) || (clause.type === '*' && clause.subtype === '*');
}

/** In upstream's way: blanks are trimmed, nothing is unquoted, and capital letters are other letters. */
function parseAccept(header: string): Clause[] {
  const clauses: Clause[] = [];
  for (const text of header.split(',')) {
    const [range = '', ...rest] = trimmed(text).split(';');
    const [type = '', subtype = '', ...more] = range.split('/').map(trimmed);
    if (more.some((part) => part !== '') || (subtype === '' && type !== '*')) continue;
    const parameters = new Map<string, string>();
    let quality = 1;
    for (const part of rest) {
      const [name = '', value = '', ...others] = part.split('=');
      if (value === '' || others.some((other) => other !== '')) continue;
      if (trimmed(name) === 'q') quality = /^\d*\.?\d+$/.test(value) ? Number(value) : 0;
      else parameters.set(trimmed(name), trimmed(value));
    }
    insert(clauses, { type, subtype: subtype === '' ? '*' : subtype, parameters, quality });
  }
  return clauses;
}

/** What is liked better comes first, and what is named more exactly. */
function insert(clauses: Clause[], clause: Clause): void {
  let at = clauses.length;
  while (at > 0 && isBefore(clause, clauses[at - 1] as Clause)) at--;
  clauses.splice(at, 0, clause);
}

function isBefore(a: Clause, b: Clause): boolean {
  return a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');
}

function trimmed(text: string): string {
  return text.replace(/^ +| +$/g, '');
}

/** A route looks at types alone: no parameters, and of wildcards only that for everything. */
function routeTakes(header: string, types: readonly string[]): boolean {
  return header.split(',').some((clause) => {
    const type = trimmed(clause.split(';', 1)[0] ?? '');
    return type === '*/*' || types.includes(type);
  });
}

function notAcceptable(types: readonly string[]): ApiError {
  return new ApiError({ code: 406, reason: 'NotAcceptable', message: `only the following media types are accepted: ${types.join(', ')}` });
}

function routeRefusal(types: readonly string[]): ApiError {
  return new ApiError({ code: 406, reason: 'NotAcceptable', details: {}, message: `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}` });
}
