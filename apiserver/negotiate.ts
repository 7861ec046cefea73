/** Which form of an answer a client takes: the media type, and whether it is the object, a Table or only its metadata. */
import { ApiError } from '../api/status.ts';

export type Media = 'json' | 'yaml' | 'protobuf';

export interface Accepted {
  readonly media: Media;
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** Of the Table or metadata: `v1` or `v1beta1`. */
  readonly asVersion: string;
  readonly pretty: boolean;
}

export interface Offer {
  /** Lists are also offered as streams, which the text of a refusal says. */
  readonly streams: boolean;
  readonly watch: boolean;
  /** Metadata and Table are made of objects, not of Status or Scale. */
  readonly forms: boolean;
  readonly protobuf: boolean;
  /** Custom resources have no protobuf form; their metadata has. */
  readonly custom?: boolean;
  /** A collection that is not watched: its metadata comes as a list. */
  readonly list: boolean;
}

const MEDIA: Readonly<Record<Media, string>> = { json: 'application/json', yaml: 'application/yaml', protobuf: 'application/vnd.kubernetes.protobuf' };

export function contentType(media: Media): string {
  return MEDIA[media];
}

export const PLAIN_JSON: Accepted = { media: 'json', as: undefined, asVersion: '', pretty: false };

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Throws 406. */
export function negotiate(header: string | undefined, offer: Offer, wantsPretty: boolean): Accepted {
  if (!header || header === 'application/json' || header === '*/*') return wantsPretty ? { ...PLAIN_JSON, pretty: true } : PLAIN_JSON;
  const clauses = parseAccept(header);
  if (!clauses.some(({ type }) => mediaOf(type, offer) !== undefined)) throw routeRefusal(offer);
  for (const { type, parameters } of clauses) {
    const media = mediaOf(type, offer);
    const as = media && formOf(media, parameters, offer);
    if (!media || as === false || (offer.watch && media === 'yaml')) continue;
    const pretty = wantsPretty || isTrue(parameters.get('pretty'));
    return { media, as, asVersion: parameters.get('v') ?? 'v1', pretty };
  }
  throw new ApiError({ code: 406, reason: 'NotAcceptable', message: `only the following media types are accepted: ${accepted(offer)}` });
}

/** The form of errors: never refused. */
export function negotiateError(header: string | undefined): Accepted {
  for (const { type, parameters } of parseAccept(header ?? '')) {
    if (parameters.has('as')) continue;
    const media = mediaOf(type, { streams: false, watch: false, forms: false, protobuf: true, list: false });
    if (media) return { ...PLAIN_JSON, media };
  }
  return PLAIN_JSON;
}

function parseAccept(header: string): Clause[] {
  const clauses = header.split(',').map((text): Clause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = new Map(rest.map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] as const : [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    }));
    const quality = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return clauses.filter(({ type }) => type !== '').sort((a, b) => b.quality - a.quality || specificity(b.type) - specificity(a.type));
}

function specificity(type: string): number {
  return type === '*/*' ? 0 : type.endsWith('/*') ? 1 : 2;
}

function mediaOf(type: string, offer: Offer): Media | undefined {
  if (type === '*/*') return 'json';
  if (type === MEDIA.json) return 'json';
  if (type === MEDIA.yaml) return 'yaml';
  return type === MEDIA.protobuf && offer.protobuf ? 'protobuf' : undefined;
}

/** Undefined: the object itself. False: not that way. */
function formOf(media: Media, parameters: ReadonlyMap<string, string>, offer: Offer): Accepted['as'] | false {
  const stream = parameters.get('stream');
  if (stream !== undefined && (stream !== 'watch' || !offer.watch)) return false;
  const as = parameters.get('as');
  if (as === undefined) return offer.custom && media === 'protobuf' ? false : undefined;
  if (!offer.forms || parameters.get('g') !== 'meta.k8s.io') return false;
  if (parameters.get('v') !== 'v1' && parameters.get('v') !== 'v1beta1') return false;
  if (as === 'Table') return media === 'protobuf' ? false : as;
  if (as === 'PartialObjectMetadata') return offer.list ? false : as;
  return as === 'PartialObjectMetadataList' && offer.list ? as : false;
}

function accepted(offer: Offer): string {
  const media: Media[] = offer.protobuf ? ['json', 'yaml', 'protobuf'] : ['json', 'yaml'];
  return offer.watch ? media.filter((one) => one !== 'yaml').map((one) => `${MEDIA[one]};stream=watch`).join(', ') : media.map((one) => MEDIA[one]).join(', ');
}

function routeRefusal(offer: Offer): ApiError {
  const plain = offer.protobuf ? [MEDIA.json, MEDIA.yaml, MEDIA.protobuf] : [MEDIA.json, MEDIA.yaml];
  const streams = offer.streams ? plain.filter((one) => one !== MEDIA.yaml).map((one) => `${one};stream=watch`) : [];
  return new ApiError({
    code: 406, reason: 'NotAcceptable', details: {},
    message: `406: Not Acceptable\n\nAvailable representations: ${[...plain, ...streams].join(', ')}`,
  });
}

function isTrue(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}
