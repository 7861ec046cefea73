/**
 * How many seats a request takes: lists by the bytes they will hold at once, writes by the watches that will hear of them. Pure.
 * Provenance: apiserver/pkg/util/flowcontrol/request of v0.36.
 */
import type { Exchange } from '../exchange.ts';
import type { Width } from './request-queue.ts';

export interface WidthFacts {
  /** Of the resource; undefined: not known. */
  readonly stored: { readonly count: number; readonly bytes: number } | undefined;
  readonly watches: number;
  /** At most so many for one request of this level; 0: as many as any. */
  readonly levelLimit: number;
}

const LIST_LIMIT = 100;
const WRITE_LIMIT = 10;
const BYTES_PER_SEAT = 100_000;
/** A list from the cache is sent in pieces: it never holds more. */
const STREAMED_BYTES = 1_000_000;
const WATCHES_PER_SEAT = 10;
/** What one seat does for the events of `WATCHES_PER_SEAT` watches. */
const EVENT_MS = 5;

export const NARROW: Width = { seats: 1, finalSeats: 0, lingerMs: 0 };

export function widthOf({ route, query }: Pick<Exchange, 'route' | 'query'>, facts: () => WidthFacts): Width {
  switch (route.verb) {
    case 'list':
      return listWidth(query, route.name !== '', true, facts());
    case 'watch':
      return query.get('sendInitialEvents') === 'true' || ['', '0', null].includes(query.get('resourceVersion')) ? listWidth(query, route.name !== '', false, facts()) : NARROW;
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      return route.isResource && !(route.resource === 'serviceaccounts' && route.subresource === 'token') ? writeWidth(facts()) : NARROW;
    default:
      return NARROW;
  }
}

function listWidth(query: Exchange['query'], ofOne: boolean, mayBePast: boolean, { stored, levelLimit }: WidthFacts): Width {
  if (!stored || stored.count === 0) return NARROW;
  const limit = Number(query.get('limit') ?? 0);
  const limited = limit > 0 && limit < stored.count ? limit : stored.count;
  const past = mayBePast && (query.has('continue') || query.get('resourceVersionMatch') === 'Exact');
  const filtered = query.has('labelSelector') || query.has('fieldSelector');
  const objects = ofOne ? 1 : past && filtered ? Math.max(limited, stored.count / 2) : limited;
  const bytes = (objects * stored.bytes) / stored.count;
  return seats(Math.ceil((past ? bytes : Math.min(bytes, STREAMED_BYTES)) / BYTES_PER_SEAT), most(levelLimit, LIST_LIMIT));
}

function writeWidth({ watches, levelLimit }: WidthFacts): Width {
  if (watches < WATCHES_PER_SEAT) return NARROW;
  const wanted = Math.ceil(watches / WATCHES_PER_SEAT);
  const finalSeats = Math.min(wanted, most(levelLimit, WRITE_LIMIT));
  return { seats: 1, finalSeats, lingerMs: (wanted * EVENT_MS) / finalSeats };
}

function most(levelLimit: number, limit: number): number {
  return levelLimit === 0 ? limit : Math.min(levelLimit, limit);
}

function seats(wanted: number, limit: number): Width {
  return wanted <= 1 ? NARROW : { seats: Math.min(wanted, limit), finalSeats: 0, lingerMs: 0 };
}
