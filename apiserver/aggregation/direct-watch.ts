/** A watch of an aggregated API for a caller in this process: lines of another server become events. */
import type { IncomingMessage } from 'node:http';
import type { ApiObject } from '../../api/kind.ts';
import type { WatchEvent } from '../../api/request.ts';
import { deepFreeze } from '../../std/deep.ts';
import type { CachedObject } from '../cache/cache.ts';
import type { Answer, WatchItem, WatchSink } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import type { Route } from '../request/route.ts';

/** One event is at most this long. */
const LINE_LIMIT_BYTES = 8 * 1024 * 1024;

export function watchAnswer(response: IncomingMessage, route: Route): Answer {
  const { group, version, resource: plural } = route;
  const apiVersion = `${group}/${version}`;
  // As much of a resource as showing an event takes.
  const resource = { isHub: true, apiVersion, plural, version: { version }, kind: { group, plural, kind: '', versions: [] } } as unknown as Resource;
  return {
    type: 'watch', resource,
    start(sink) {
      void read(response, sink);
      return { close: () => response.destroy() };
    },
  };
}

async function read(response: IncomingMessage, sink: WatchSink): Promise<void> {
  let rest = '';
  try {
    response.setEncoding('utf8');
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_LIMIT_BYTES) break;
      for (const line of lines) {
        const item = line.trim() === '' ? undefined : itemOf(JSON.parse(line) as WatchEvent<ApiObject>);
        if (item && !sink.send(item)) await new Promise<void>((resolve) => (sink.onReady = resolve));
      }
    }
  } catch {
    // The watch is over, as when the other server ends it.
  }
  response.destroy();
  sink.end();
}

function itemOf({ type, object }: WatchEvent<ApiObject>): WatchItem | undefined {
  if (type === 'ERROR') return { type, status: object };
  const { name = '', namespace = '', resourceVersion = '', labels = {}, annotations } = object.metadata;
  const revision = Number(resourceVersion);
  if (type === 'BOOKMARK') return Number.isInteger(revision) ? { type, revision, initialEventsEnd: annotations?.['k8s.io/initial-events-end'] === 'true' } : undefined;
  const shown: CachedObject = { key: `${namespace}/${name}`, namespace, name, revision, labels, fields: {}, object: deepFreeze(object), bytes: NO_BYTES, sizeBytes: 0, copy: () => 0 };
  return { type, object: shown, event: undefined };
}

/** Callers in this process are handed objects. */
const NO_BYTES = Buffer.alloc(0);
