/** Tokens among the protocols of a WebSocket: pages of browsers cannot set headers. Provenance: authentication/request/websocket of apiserver v0.36. */
import type { IncomingHttpHeaders } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { unauthorized } from './denial.ts';

const PREFIX = 'base64url.bearer.authorization.k8s.io.';
/** Whole groups of four, without padding. */
const BASE64URL = /^(?:[-\w]{4})*(?:[-\w]{2,3})?$/;

/** Whether the client asks for a WebSocket, and for nothing else. */
export function isWebSocket({ connection, upgrade }: IncomingHttpHeaders): boolean {
  return upgrade !== undefined && upgrade.toLowerCase() === 'websocket' && (connection ?? '').toLowerCase().includes('upgrade');
}

/** Undefined: none was sent. Throws 401 on more than one, on what is none, and on one without another protocol that could be agreed on. */
export function websocketToken(headers: IncomingHttpHeaders): string | undefined {
  const protocols = isWebSocket(headers) ? listed(headers['sec-websocket-protocol']) : [];
  const found = protocols.filter((one) => one.startsWith(PREFIX)).map((one) => one.slice(PREFIX.length));
  const [text] = found;
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (found.length > 1 || !BASE64URL.test(text) || !isUtf8(bytes)) throw unauthorized();
  if (text === '') return undefined;
  if (found.length === protocols.length) throw unauthorized();
  return bytes.toString();
}

/** What a client offers without its token: that is nobody else's business. */
export function withoutToken(protocols: string): string {
  return listed(protocols).filter((one) => one !== '' && !one.startsWith(PREFIX)).join(', ');
}

function listed(protocols: string | undefined): string[] {
  return protocols === undefined ? [] : protocols.split(',').map((one) => one.trim());
}
