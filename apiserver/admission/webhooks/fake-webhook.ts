/** For tests: a webhook on a loopback port, with a certificate of the test authority, that keeps what it was asked. */
import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdmissionRequest, AdmissionResponse, AdmissionReview } from '../../../api/types/admission.v1.ts';
import { testPki } from '../../test-server.ts';

/** What is said to a question; a function answers by itself. */
export type Reply = Partial<AdmissionResponse> | ((response: ServerResponse, review: AdmissionReview) => void);

export interface FakeWebhook {
  readonly port: number;
  readonly url: string;
  readonly caBundle: string;
  /** Its own certificate, as a bundle. */
  readonly ownBundle: string;
  readonly asked: { readonly path: string; readonly review: AdmissionReview }[];
  /** By the path that is called; what is not here allows. */
  readonly replies: Map<string, (request: AdmissionRequest) => Reply>;
  close(): Promise<void>;
}

export async function openFakeWebhook({ ips = ['127.0.0.1'], names = ['webhook.test'] }: { ips?: string[]; names?: string[] } = {}): Promise<FakeWebhook> {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.servingCertificate({ names, ips });
  const asked: FakeWebhook['asked'] = [];
  const replies: FakeWebhook['replies'] = new Map();
  const server: Server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as AdmissionReview;
      const path = request.url ?? '';
      asked.push({ path, review });
      const question = review.request as AdmissionRequest;
      const reply = replies.get(path.slice(0, path.indexOf('?')))?.(question) ?? {};
      if (typeof reply === 'function') return reply(response, review);
      const { kind, apiVersion } = review;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ kind, apiVersion, response: { uid: question.uid, allowed: true, ...reply } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port, asked, replies, url: `https://127.0.0.1:${port}`, caBundle: Buffer.from(pki.caPem).toString('base64'), ownBundle: Buffer.from(certPem).toString('base64'),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A JSON patch as answers hold it. */
export function patchOf(...operations: object[]): Partial<AdmissionResponse> {
  return { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}
