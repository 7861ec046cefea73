/** Closed-loop load: so many workers, each sending its next request when it has its answer, for so many seconds. */
import type { Pool } from 'undici';

export interface Load {
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

export async function load(pool: Pool, workers: number, seconds: number, next: (index: number) => Call): Promise<Load> {
  const latencies: number[] = [];
  let bytes = 0;
  let index = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const call = next(index++);
      const began = performance.now();
      const response = await pool.request({
        method: call.method,
        path: call.path,
        headers: { accept: 'application/json', ...(call.body && { 'content-type': call.contentType ?? 'application/json' }) },
        ...(call.body && { body: call.body }),
      });
      let size = 0;
      for await (const chunk of response.body) size += (chunk as Buffer).length;
      if (response.statusCode >= 300) throw new Error(`${call.method} ${call.path} answered ${response.statusCode}`);
      bytes += size;
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  const elapsed = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { perSecond: latencies.length / elapsed, bytesPerSecond: bytes / elapsed, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Does something so often, so many at once. */
export async function each(count: number, atOnce: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await run(next++);
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
