/** Asks a node's kubelet for its summary. */
import { Readable } from 'node:stream';
import { ApiError } from '../../api/status.ts';
import type { Core } from '../core.ts';
import type { Pki } from '../pki/pki.ts';
import { forward } from '../streaming/forward.ts';
import { kubeletAddress, kubeletTls } from '../streaming/kubelet-address.ts';
import type { Summary } from './summary.ts';

const LIMIT_BYTES = 32 * 1024 * 1024;
const LIMIT_MS = 10_000;

export function kubeletSummary(core: Core, pki: Pki): (node: string) => Promise<Summary> {
  return async (node) => {
    const address = kubeletAddress(core, node);
    const limit = new AbortController();
    const timer = core.clock.after(LIMIT_MS, () => limit.abort());
    try {
      const target = { ...address, path: '/stats/summary?only_cpu_and_memory=true', tls: kubeletTls(address, pki) };
      const response = await forward(target, { method: 'GET', headers: {}, signal: limit.signal });
      const text = await textOf(response);
      if (response.statusCode !== 200) throw new ApiError({ code: 500, reason: 'InternalError', message: `the kubelet of ${node} answered ${response.statusCode}: ${text.slice(0, 200)}` });
      return JSON.parse(text) as Summary;
    } finally {
      timer.cancel();
    }
  };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > LIMIT_BYTES) throw new Error(`a summary exceeds ${LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
