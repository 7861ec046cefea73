/** Whether a text is one address of electronic mail. Provenance: RFC 5322 as Go's net/mail reads it. */
import { isIPv4, isIPv6 } from '../kinds/shared/ip-address.ts';

// What stands outside of quotes: all that can be seen but the signs of the grammar.
const ATOM = String.raw`[^\u0000-\u0020\u007f()<>[\]:;@\\,".]`;
const DOT_ATOM = String.raw`${ATOM}+(?:\.${ATOM}+)*`;
const IN_QUOTES = String.raw`(?:[^\u0000-\u0008\u000a-\u001f\u007f"\\]|\\[^\u0000-\u0008\u000a-\u001f\u007f])`;
const SPEC = new RegExp(String.raw`^[ \t]*(?:${DOT_ATOM}|"${IN_QUOTES}+")@[ \t]*(?:${DOT_ATOM}|\[([^\u0000-\u0020\u007f[\]\\]*)\])`, 'u');
const WORD = new RegExp(String.raw`^[ \t]*(?:(?:${ATOM}|\.)+|"${IN_QUOTES}*")`, 'u');
const SPACE = /^[ \t]*/;

/** `a@b`, or with the name of who it is: `A <a@b>`. */
export function isEmail(text: string): boolean {
  const bare = afterSpec(text);
  return bare === undefined ? isNamed(text) : afterComments(bare) === '';
}

function isNamed(text: string): boolean {
  let rest: string | undefined = text;
  for (let word = WORD.exec(text); word; word = WORD.exec(rest)) {
    rest = afterComments(rest.slice(word[0].length));
    if (rest === undefined) return false;
  }
  rest = rest.replace(SPACE, '');
  const end = rest.startsWith('<') ? afterSpec(rest.slice(1)) : undefined;
  return end !== undefined && end.startsWith('>') && afterComments(end.slice(1)) === '';
}

/** What follows an address; undefined: there is none. */
function afterSpec(text: string): string | undefined {
  const found = SPEC.exec(text);
  const [all, literal] = found ?? [];
  if (all === undefined || (literal !== undefined && !isIPv4(literal) && !isIPv6(literal))) return undefined;
  return text.slice(all.length);
}

/** What follows spaces and comments, which nest; undefined: one does not end. */
function afterComments(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (depth > 0 && char === '\\') at++;
    else if (char === '(') depth++;
    else if (depth > 0 && char === ')') depth--;
    else if (depth === 0 && char !== ' ' && char !== '\t') return text.slice(at);
  }
  return depth === 0 ? '' : undefined;
}
