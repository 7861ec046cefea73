/** Why a call failed, in the words of upstream's HTTP client: operators and their tools look for them. */
import type { PeerCertificate } from 'node:tls';
import { isIP } from 'node:net';

interface Problem extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly cert?: PeerCertificate;
  readonly host?: string;
  /** One for each address that was tried. */
  readonly errors?: readonly Problem[];
}

/** The reason, without the URL. */
export function networkProblem(error: unknown, now: number): string {
  const problem = (error as Problem).errors?.[0] ?? (error as Problem);
  const { code = '', message = String(error) } = problem;
  const certificate = certificateProblem(problem, now);
  if (certificate) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (PLAIN.some((text) => code.includes(text) || message.includes(text) || message.includes(text.toLowerCase().replaceAll('_', ' ')))) return 'http: server gave HTTP response to HTTPS client';
  const dialed = CONNECT[code];
  if (dialed && problem.address !== undefined) return `dial tcp ${join(problem.address, problem.port ?? 0)}: ${dialed}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${problem.hostname ?? ''}: no such host`;
  if (message === 'socket hang up') return 'EOF';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'read: connection reset by peer';
  if (code === 'UND_ERR_SOCKET') return 'EOF';
  return message || code;
}

const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused', EHOSTUNREACH: 'connect: no route to host', ENETUNREACH: 'connect: network is unreachable', ETIMEDOUT: 'i/o timeout',
};
const PLAIN = ['WRONG_VERSION_NUMBER', 'PACKET_LENGTH_TOO_LONG', 'UNEXPECTED_MESSAGE', 'HTTP_REQUEST', 'RECORD_LAYER'];
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED', 'INVALID_CA',
]);

function certificateProblem({ code = '', cert, host }: Problem, now: number): string | undefined {
  if (UNTRUSTED.has(code)) return 'certificate signed by unknown authority';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const shown = `${new Date(now).toISOString().slice(0, 19)}Z`;
    return `certificate has expired or is not yet valid: current time ${shown} is ${code === 'CERT_HAS_EXPIRED' ? 'after its end' : 'before its begin'}`;
  }
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? nameProblem(cert, host ?? '') : undefined;
}

function nameProblem(cert: PeerCertificate | undefined, host: string): string {
  const names = (cert?.subjectaltname ?? '').split(', ');
  const wanted = isIP(host) ? 'IP Address:' : 'DNS:';
  const valid = names.filter((name) => name.startsWith(wanted)).map((name) => name.slice(wanted.length));
  if (valid.length > 0) return `certificate is valid for ${valid.join(', ')}, not ${host}`;
  if (isIP(host)) return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
  if (!cert?.subjectaltname && cert?.subject?.CN) return 'certificate relies on legacy Common Name field, use SANs instead';
  return `certificate is not valid for any names, but wanted to match ${host}`;
}

function join(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What is said of an answer that is no success and tells no reason in a form that is understood. */
export function statusProblem(code: number, body: string, isText: boolean): string {
  const said = isText ? body.slice(0, SHOWN_BYTES).trim() : 'unknown';
  const fixed = FIXED[code];
  if (fixed !== undefined) return fixed;
  if (code === 403 || code === 415 || (code === 406 && said !== '' && said !== 'unknown')) return said;
  if (code === 406) return 'the server was unable to respond with a content type that the client supports';
  if (code >= 500) return `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`;
  return `the server responded with the status code ${code} but did not return more information`;
}

const SHOWN_BYTES = 2048;
const FIXED: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};
