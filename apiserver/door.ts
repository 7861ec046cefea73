/** The door within the process: the same chain, without sockets and without bytes; what comes back is shared with the caches. */
import type { ApiCall, Door } from '../api/request.ts';
import { ApiError, badRequest } from '../api/status.ts';
import { backoff } from '../std/backoff.ts';
import { sleep, type Clock } from '../std/clock.ts';
import { ANONYMOUS, type UserInfo } from './auth/auth.ts';
import { DirectWatch } from './direct-watch.ts';
import type { Answer, Exchange, Query } from './exchange.ts';
import { finish } from './chain/chain.ts';
import { TooManyRequests } from './flow/flow-control.ts';
import { answerDocument } from './forms/answer-document.ts';
import { PLAIN_JSON } from './request/negotiate.ts';
import { errorAnswer } from './http/render.ts';
import type { Route } from './request/route.ts';

export interface DoorOptions {
  /** Becomes the field manager of writes that name none. */
  readonly userAgent?: string;
}

/** Runs the chain; the exchange has its answer afterwards, and is over, unless that is a watch. */
export type Serve = (exchange: Exchange) => Promise<void>;

export function openDoor(serve: Serve, clock: Clock, user: UserInfo, options: DoorOptions): Door {
  return {
    async call(call) {
      for (let attempt = 0; ; attempt++) {
        const exchange = new DirectExchange(call, user, options);
        try {
          await serve(exchange);
        } catch (error) {
          if (!(error instanceof TooManyRequests) || attempt >= RETRIES || call.signal?.aborted) throw errorAnswer(error).error;
          await sleep(clock, backoff(attempt, RETRY), call.signal);
          continue;
        }
        return documentOf(exchange.answer as Answer, exchange, clock);
      }
    },
    watch(call) {
      const open = async (): Promise<Exchange> => {
        const exchange = new DirectExchange({ ...call, verb: 'watch' }, user, options);
        // Whatever goes wrong comes out as a Status, as it does on a socket.
        await serve(exchange).catch((error: unknown) => {
          throw errorAnswer(error).error;
        });
        return exchange;
      };
      return new DirectWatch({ open, finish, signal: call.signal });
    },
  };
}

/** Who was sent away comes again, as clients over HTTP do; within the process sooner: there is no crowd behind the door. */
const RETRIES = 10;
const RETRY = { baseMs: 10, limitMs: 1_000 };

const METHODS: Readonly<Record<string, string>> = {
  get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE',
};

/** Names the user of an exchange that came in by this door. */
export const DIRECT_USER = Symbol('direct user');

export class DirectExchange implements Exchange {
  id = '';
  readonly [DIRECT_USER]: UserInfo;
  readonly method: string;
  readonly remoteAddress = undefined;
  auditAnnotations?: Map<string, string>;
  traceparent?: string;
  waitedMs?: number;
  readonly route: Route;
  readonly query: Query;
  readonly headers: Exchange['headers'];
  readonly rawHeaders = [];
  readonly credentials = {};
  readonly body: Exchange['body'];
  #signal: AbortSignal | undefined;
  readonly warnings: string[] = [];
  readonly extraHeaders: Record<string, string> = {};
  readonly after: (() => void)[] = [];
  readonly upgrade = undefined;
  readonly longRunning: boolean;
  user: UserInfo = ANONYMOUS;
  answer: Answer | undefined;

  constructor(call: ApiCall, user: UserInfo, { userAgent = '' }: DoorOptions) {
    this[DIRECT_USER] = user;
    const { verb, group, version, resource, subresource = '', namespace = '', name = '', query = {}, body, patchType = '' } = call;
    this.method = METHODS[verb] ?? 'GET';
    // A namespace itself counts as in itself.
    const within = resource === 'namespaces' && group === '' ? name : namespace;
    this.route = { verb, path: pathOf(call), isResource: true, group, version, resource, subresource, namespace: within, name, rest: '', tooLong: false };
    this.query = new URLSearchParams(query);
    this.headers = { 'user-agent': userAgent };
    this.body = { form: 'value', contentType: patchType, value: body };
    this.#signal = call.signal;
    this.longRunning = verb === 'watch';
  }

  /** Each call that is never given up has one of its own: who waits listens to it, and many may wait. */
  get signal(): AbortSignal {
    return (this.#signal ??= new AbortController().signal);
  }

  get uri(): string {
    const query = String(this.query);
    return query === '' ? this.route.path : `${this.route.path}?${query}`;
  }

  accepted = (): typeof PLAIN_JSON => PLAIN_JSON;
  acceptedForErrors = this.accepted;
}

function pathOf({ group, version, resource, namespace, name, subresource }: ApiCall): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [root, ...(namespace ? ['namespaces', namespace] : []), resource, ...(name ? [name] : []), ...(subresource ? [subresource] : [])];
  return parts.join('/');
}

function documentOf(answer: Answer, exchange: Exchange, clock: Clock): unknown {
  switch (answer.type) {
    case 'object':
    case 'list':
    case 'document':
      return answerDocument(answer, { accepted: PLAIN_JSON, query: exchange.query, now: clock.now() });
    case 'text':
      // A page that says no is no answer to a call: over a socket it would not be one either.
      if (answer.code >= 400) throw new ApiError({ code: answer.code, reason: answer.code === 404 ? 'NotFound' : 'Unknown', message: answer.text.trim() });
      return answer.text;
    case 'stream':
      return answer.stream;
    case 'watch':
    case 'tunnel':
      throw badRequest('this call opens a stream');
  }
}
