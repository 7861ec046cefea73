/** How this server serves: limits of time and number, as upstream's flags name them. */
import type { Cors } from '../chain/cors.ts';

export interface ServingOptions {
  /** `--request-timeout`: an answer that is not meant to last is given within this time. */
  readonly requestTimeoutMs?: number;
  /** `--min-request-timeout`: a watch that names no time lasts between once and twice this. */
  readonly minRequestTimeoutMs?: number;
  /** `--http2-max-streams-per-connection` */
  readonly streamsPerConnection?: number;
  /** `--goaway-chance`: of one, that a request over HTTP/2 makes its client connect anew, so that it may find another server. */
  readonly goawayChance?: number;
  /** `--cors-allowed-origins` */
  readonly cors?: Cors | undefined;
  /** `--shutdown-delay-duration`: how long a server that is told to stop goes on as before, but for `/readyz`. */
  readonly shutdownDelayMs?: number;
  /** `--shutdown-send-retry-after`: new requests during the end are answered with 429 instead of a closed port. */
  readonly shutdownSendsRetryAfter?: boolean;
  /** `--shutdown-watch-termination-grace-period`: watches end spread over this time. */
  readonly watchGraceMs?: number;
  /** Requests that are under way when the server stops have this long. */
  readonly drainMs?: number;
}

export const REQUEST_TIMEOUT_MS = 60_000;
export const MIN_REQUEST_TIMEOUT_MS = 30 * 60_000;
export const STREAMS_PER_CONNECTION = 250;
export const DRAIN_MS = 2_000;
/** More than this chance would keep clients connecting. */
export const GOAWAY_LIMIT = 0.02;
