/** `/metrics`: what the server counts and what the process uses, in the text format of Prometheus. */
import type { Registry as ProcessRegistry } from 'prom-client';
import type { Meter } from '../../std/meter.ts';
import type { Answer } from '../exchange.ts';
import { mergeExpositions } from '../metrics/merge.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** `others`: what further servers of this process have counted. */
export function metrics(meter: Meter, others: () => Promise<readonly string[]> = () => Promise.resolve([])): () => Promise<Answer> {
  let made: Promise<ProcessRegistry> | undefined;
  return async () => {
    made ??= processSeries();
    return { type: 'text', code: 200, text: mergeExpositions(meter.text(), await others()) + (await (await made).metrics()), contentType: METRICS_TYPE };
  };
}

/** Loaded on demand: start-up does not pay for it. */
async function processSeries(): Promise<ProcessRegistry> {
  const { Registry, collectDefaultMetrics } = await import('prom-client');
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  return own;
}
