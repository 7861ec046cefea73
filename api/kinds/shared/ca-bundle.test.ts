import { caBundleProblem } from './ca-bundle.ts';

const block = (kind: string, body: string): string => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`;
/** A sequence of one byte: it has a certificate's outside. */
const CERTIFICATE = block('CERTIFICATE', Buffer.from([0x30, 1, 0]).toString('base64'));
const BROKEN = block('CERTIFICATE', 'aGk=');
const NO_BLOCK = 'unable to load root certificates: unable to parse bytes as PEM block';

test.each<[string, string, string | undefined]>([
  ['nothing', '', undefined],
  ['a certificate', CERTIFICATE, undefined],
  ['a certificate after others', block('PRIVATE KEY', 'aGk=') + BROKEN + CERTIFICATE, undefined],
  ['text around a certificate', `head\n${CERTIFICATE}tail`, undefined],
  ['text', 'hi', NO_BLOCK],
  ['a beginning without an end', '-----BEGIN CERTIFICATE-----\naGk=\n', NO_BLOCK],
  ['a key', block('PRIVATE KEY', 'aGk='), 'unable to load root certificates: no valid certificate authority data seen'],
  ['a key, and text', `${block('PRIVATE KEY', 'aGk=')}x`, NO_BLOCK],
  ['what is no certificate', BROKEN, 'unable to load root certificates: failed to parse certificate: x509: malformed certificate'],
])('caBundleProblem() of %s', (_what, text, expected) => {
  expect(caBundleProblem(Buffer.from(text).toString('base64'))).toBe(expected);
});
