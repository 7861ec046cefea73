/** Whether a bundle of certificate authorities can be loaded. Provenance: client-go transport (`rootCertPool`) of v0.36. */

/** `bundle` is base64, as JSON has it. Undefined: it can be loaded. One certificate that can be read is enough; certificates are looked at from outside only. */
export function caBundleProblem(bundle: string): string | undefined {
  if (bundle === '') return undefined;
  const text = Buffer.from(bundle, 'base64').toString('latin1');
  let seen = false;
  let problem: string | undefined;
  for (const [, kind = '', body = ''] of text.matchAll(BLOCK)) {
    seen = true;
    if (kind !== 'CERTIFICATE' || body.includes(':')) continue;
    if (isSequence(Buffer.from(body, 'base64'))) return undefined;
    problem ??= 'failed to parse certificate: x509: malformed certificate';
  }
  return `unable to load root certificates: ${problem ?? (seen && TRAILING.test(text) ? 'no valid certificate authority data seen' : 'unable to parse bytes as PEM block')}`;
}

const BLOCK = /(?:^|\n)-----BEGIN ([^\n-]+)-----[ \t\r]*\n([^]*?)\n?-----END \1-----/g;
/** Nothing follows the last block. */
const TRAILING = /-----END [^\n-]+-----[ \t\r]*\n?$/;

/** One DER sequence that is as long as it says. */
function isSequence(der: Buffer): boolean {
  const [tag, length = 0] = der;
  if (tag !== 0x30) return false;
  if (length < 0x80) return der.length === 2 + length;
  const bytes = length - 0x80;
  return bytes > 0 && bytes <= 4 && der.length >= 2 + bytes && der.readUIntBE(2, bytes) === der.length - 2 - bytes;
}
