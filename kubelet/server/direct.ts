/** The pages of a node without a port of its own, for who may ask already: the API server of the same process. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BackendRefusal, type KubeletBackend, type Page } from '../backend.ts';
import { ledBy, PLAIN, queryOf } from './requests.ts';
import { askedOf } from './streams.ts';

export interface DirectRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly accept: string;
}

export interface DirectAnswer {
  readonly code: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function askDirectly(backend: KubeletBackend, request: DirectRequest): Promise<DirectAnswer> {
  try {
    const { code, type, headers = {}, body } = await answer(backend, request);
    return { code, type, headers, body: body instanceof Readable ? await text(body) : String(body) };
  } catch (error) {
    return { code: error instanceof BackendRefusal ? error.code : 500, type: PLAIN, headers: {}, body: (error as Error).message };
  }
}

async function answer(backend: KubeletBackend, { method, path, accept }: DirectRequest): Promise<Page> {
  const led = ledBy(method, path);
  const query = queryOf(path);
  if (led.type === 'open' || led.type === 'answer') return led.answer;
  if (led.type === 'page') return backend.page({ page: led.page, parts: led.parts, query, method, accept });
  const [namespace = '', pod = '', container = ''] = led.parts;
  if (led.stream === 'containerLogs') {
    // What is simulated writes nothing.
    backend.log(namespace, pod, container, { previous: query.get('previous') === 'true' });
    return { code: 200, type: 'text/plain', body: '' };
  }
  askedOf(led.stream, led.parts, query, backend);
  throw new BackendRefusal(500, 'Upgrade request required\n');
}
