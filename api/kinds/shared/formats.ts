/** The formats of names and other short texts. Each check returns the reasons why a text is refused, none when it is fine. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_WITH_UNDERSCORE = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const SUBDOMAIN_WITH_UNDERSCORE = `${LABEL_WITH_UNDERSCORE}(\\.${LABEL_WITH_UNDERSCORE})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const WILDCARD = `\\*\\.${SUBDOMAIN}`;

const DNS_ALPHABET = "must consist of lower case alphanumeric characters";
const ALPHANUMERIC_ENDS = 'and must start and end with an alphanumeric character';
const LABEL_WRONG = `a lowercase RFC 1123 label ${DNS_ALPHABET} or '-', ${ALPHANUMERIC_ENDS}`;
const SUBDOMAIN_WRONG = `a lowercase RFC 1123 subdomain ${DNS_ALPHABET}, '-' or '.', ${ALPHANUMERIC_ENDS}`;
const UNDERSCORE_WRONG = `a lowercase RFC 1123 subdomain ${DNS_ALPHABET}, '_', '-' or '.', ${ALPHANUMERIC_ENDS}`;
const LABEL_1035_WRONG = `a DNS-1035 label ${DNS_ALPHABET} or '-', start with an alphabetic character, and end with an alphanumeric character`;
const WILDCARD_WRONG = `a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which ${DNS_ALPHABET}, '-' or '.' and end with an alphanumeric character`;

export function dnsLabel(text: string): string[] {
  const wrong = tooLongFor(text, 63);
  if (matches(LABEL, text)) return wrong;
  return [...wrong, matches(SUBDOMAIN, text) ? 'must not contain dots' : regexWrong(LABEL_WRONG, LABEL, 'my-name', '123-abc')];
}

export function dnsSubdomain(text: string): string[] {
  if (!exceeds(text, 253) && matches(SUBDOMAIN, text)) return [];
  return [...tooLongFor(text, 253), ...unless(SUBDOMAIN, text, SUBDOMAIN_WRONG, 'example.com')];
}

export function dnsSubdomainWithUnderscore(text: string): string[] {
  return [...tooLongFor(text, 253), ...unless(SUBDOMAIN_WITH_UNDERSCORE, text, UNDERSCORE_WRONG, 'example.com')];
}

export function dns1035Label(text: string): string[] {
  return [...tooLongFor(text, 63), ...unless(LABEL_1035, text, LABEL_1035_WRONG, 'my-name', 'abc-123')];
}

export function wildcardDnsSubdomain(text: string): string[] {
  return [...tooLongFor(text, 253), ...unless(WILDCARD, text, WILDCARD_WRONG, '*.example.com')];
}

const QUALIFIED_WRONG = `must consist of alphanumeric characters, '-', '_' or '.', ${ALPHANUMERIC_ENDS}`;

const SHORT_QUALIFIED = `(${SUBDOMAIN}/)?${QUALIFIED}`;

/** `name` or `prefix/name`: label keys, annotation keys, finalizers, resource names. */
export function qualifiedName(text: string): string[] {
  // Nearly all are short and fine.
  if (text.length <= 63 && matches(SHORT_QUALIFIED, text)) return [];
  const parts = text.split('/');
  const wrongForm = regexWrong(QUALIFIED_WRONG, QUALIFIED, 'MyName', 'my.name', '123-abc');
  if (parts.length > 2) return [`a valid label key ${wrongForm} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const reasons: string[] = [];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') reasons.push('prefix part must be non-empty');
  else if (prefix !== undefined) reasons.push(...dnsSubdomainInBytes(prefix).map((why) => `prefix part ${why}`));
  if (name === '') reasons.push('name part must be non-empty');
  else if (exceeds(name, 63)) reasons.push('name part must be no more than 63 bytes');
  if (!matches(QUALIFIED, name)) reasons.push(`name part ${wrongForm}`);
  return reasons;
}

const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_VALUE_WRONG = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', ${ALPHANUMERIC_ENDS}`;

export function labelValue(text: string): string[] {
  const wrong = exceeds(text, 63) ? ['must be no more than 63 bytes'] : [];
  if (matches(LABEL_VALUE, text)) return wrong;
  return [...wrong, ...unless(LABEL_VALUE, text, LABEL_VALUE_WRONG, 'MyValue', 'my_value', '12345')];
}

/** What may stand as one segment of a URL path. */
export function pathSegment(text: string, prefix: boolean): string[] {
  if (!prefix && (text === '.' || text === '..')) return [`may not be '${text}'`];
  if (!text.includes('/') && !text.includes('%')) return [];
  return ['/', '%'].filter((bad) => text.includes(bad)).map((bad) => `may not contain '${bad}'`);
}

const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';

export function cIdentifier(text: string): string[] {
  const why = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return unless(C_IDENTIFIER, text, why, 'my_name', 'MY_NAME', 'MyName');
}

export function portNumber(port: number): string[] {
  return inRange(port, 1, 65535);
}

export function inRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [`must be between ${low} and ${high}, inclusive`];
}

const MAX_ID = 2 ** 31 - 1;

export function userOrGroupId(id: number): string[] {
  return inRange(id, 0, MAX_ID);
}

export function portName(text: string): string[] {
  const reasons = tooLongFor(text, 15);
  if (!/^[-a-z0-9]+$/.test(text)) reasons.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) reasons.push('must contain at least one letter (a-z)');
  if (text.includes('--')) reasons.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) reasons.push('must not begin or end with a hyphen');
  return reasons;
}

export function percent(text: string): string[] {
  return unless('[0-9]+%', text, "a valid percent string must be a numeric string followed by an ending '%'", '1%', '93%');
}

export function httpHeaderName(text: string): string[] {
  return unless('[-A-Za-z0-9]+', text, "a valid HTTP header must consist of alphanumeric characters or '-'", 'X-Header-Name');
}

/** Environment variable names: any printable ASCII but `=`. */
export function envVarName(text: string): string[] {
  if (text === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]*$/.test(text)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function configMapKey(text: string): string[] {
  const why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  return [...tooLongFor(text, 253), ...unless('[-._a-zA-Z0-9]+', text, why, 'key.name', 'KEY_NAME', 'key-name'), ...leavesDirectory(text)];
}

export function regexWrong(why: string, regex: string, ...examples: string[]): string {
  if (examples.length === 0) return `${why} (regex used for validation is '${regex}')`;
  return `${why} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${regex}')`;
}

/** Whether a text is longer in UTF-8 than it may be. */
export function exceeds(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  return mayExceed(text.length, limit) && bytes(text) > limit;
}

/** Whether so many units of JavaScript strings can be longer in UTF-8. */
export function mayExceed(units: number, limitBytes: number): boolean {
  return units * UTF8_UNIT_BYTES > limitBytes;
}

/** A unit of a JavaScript string takes no more. */
const UTF8_UNIT_BYTES = 3;

/** Length in UTF-8, as Go counts it. Pure code has no Buffer. */
export function bytes(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    count += unit < 0x800 ? 1 : 2;
    // Two units of a pair make four bytes.
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++;
  }
  return count;
}

function leavesDirectory(text: string): string[] {
  if (text === '.' || text === '..') return [`must not be '${text}'`];
  return text.startsWith('..') ? ["must not start with '..'"] : [];
}

function tooLongFor(text: string, limit: number): string[] {
  return exceeds(text, limit) ? [`must be no more than ${limit} characters`] : [];
}

function dnsSubdomainInBytes(text: string): string[] {
  const wrong = exceeds(text, 253) ? ['must be no more than 253 bytes'] : [];
  return [...wrong, ...unless(SUBDOMAIN, text, SUBDOMAIN_WRONG, 'example.com')];
}

const compiled = new Map<string, RegExp>();

function matches(regex: string, text: string): boolean {
  let known = compiled.get(regex);
  if (!known) compiled.set(regex, (known = new RegExp(`^(?:${regex})$`)));
  return known.test(text);
}

function unless(regex: string, text: string, why: string, ...examples: string[]): string[] {
  return matches(regex, text) ? [] : [regexWrong(why, regex, ...examples)];
}
