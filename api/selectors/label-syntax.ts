/** How label keys and values must look, and what is said of those that do not. */

/** The reasons why a text is no label key; none if it is one. */
export function labelKeyProblems(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) return [`a valid label key ${KEY_WRONG} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const problems: string[] = [];
  const name = parts[parts.length - 1] ?? '';
  if (parts.length === 2) problems.push(...prefixProblems(parts[0] ?? '').map((problem) => `prefix part ${problem}`));
  if (name === '') problems.push('name part must be non-empty');
  else if (byteLength(name) > MAX_LENGTH) problems.push(`name part must be no more than ${MAX_LENGTH} bytes`);
  if (!KEY.test(name)) problems.push(`name part ${KEY_WRONG}`);
  return problems;
}

/** The reasons why a text is no label value; none if it is one. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = [];
  if (byteLength(value) > MAX_LENGTH) problems.push(`must be no more than ${MAX_LENGTH} bytes`);
  if (value !== '' && !KEY.test(value)) problems.push(VALUE_WRONG);
  return problems;
}

const MAX_LENGTH = 63;
const MAX_PREFIX_LENGTH = 253;

const KEY = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const KEY_FORM = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const KEY_WRONG =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${KEY_FORM}')`;
const VALUE_WRONG =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  `alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${KEY_FORM})?')`;

const SUBDOMAIN_FORM = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const SUBDOMAIN = new RegExp(`^${SUBDOMAIN_FORM}$`);
const SUBDOMAIN_WRONG =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  `alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN_FORM}')`;

function prefixProblems(prefix: string): string[] {
  if (prefix === '') return ['must be non-empty'];
  const problems: string[] = [];
  if (byteLength(prefix) > MAX_PREFIX_LENGTH) problems.push(`must be no more than ${MAX_PREFIX_LENGTH} bytes`);
  if (!SUBDOMAIN.test(prefix)) problems.push(SUBDOMAIN_WRONG);
  return problems;
}

/** UTF-8 length; texts in the usual alphabet need no counting. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
