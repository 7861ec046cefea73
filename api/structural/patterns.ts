/** Regular expressions as Go's regexp reads them, as far as JavaScript's can stand for them. */

export class PatternError extends Error {}

const compiled = new Map<string, RegExp>();
/** Patterns come with definitions, which come and go. */
const KNOWN_LIMIT = 4_096;

/** Throws PatternError, worded as regexp/syntax words it. */
export function compilePattern(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const problem = problemOf(pattern);
  if (problem) throw new PatternError(`error parsing regexp: ${problem}`);
  const made = translate(pattern);
  if (compiled.size >= KNOWN_LIMIT) compiled.clear();
  compiled.set(pattern, made);
  return made;
}

function translate(pattern: string): RegExp {
  let flags = '';
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  let source = pattern;
  if (leading) {
    flags = leading[1] as string;
    source = source.slice(leading[0].length);
  }
  source = source
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\\A/g, '(?<![\\s\\S])')
    .replaceAll(/\\z/g, '(?![\\s\\S])')
    .replaceAll(/\[:(\^?)(\w+):\]/g, (whole, not: string, name: string) => POSIX[name]?.[not === '' ? 0 : 1] ?? whole);
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    // Escapes that only the stricter reading refuses, such as `\-`.
    try {
      return new RegExp(source, flags);
    } catch (error) {
      throw new PatternError(`error parsing regexp: ${(error as Error).message}`);
    }
  }
}

/** What stands for a class inside brackets, and for its complement. */
const POSIX: Readonly<Record<string, readonly [string, string]>> = {
  alnum: ['0-9A-Za-z', '\\x00-/:-@[-`{-\\x7f'], alpha: ['A-Za-z', '\\x00-@[-`{-\\x7f'], digit: ['0-9', '\\D'], lower: ['a-z', '\\x00-`{-\\x7f'],
  upper: ['A-Z', '\\x00-@[-\\x7f'], space: ['\\t-\\r ', '\\S'], xdigit: ['0-9A-Fa-f', '\\x00-/:-@G-`g-\\x7f'], word: ['\\w', '\\W'], punct: ['!-/:-@[-`{-~', '\\x00- 0-9A-Za-z\\x7f'],
};

const REPEATS = '*+?';

/** The mistakes that are common, and what Go has not: backreferences and looking around. */
function problemOf(pattern: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    if (char === '\\') {
      const next = pattern[++at];
      if (next === undefined) return 'trailing backslash at end of expression: ``';
      if (/[1-9]/.test(next)) return `invalid escape sequence: \`\\${next}\``;
    } else if (char === '[') {
      const end = classEnd(pattern, at);
      if (end < 0) return `missing closing ]: \`${pattern.slice(at)}\``;
      at = end;
    } else if (char === '(') {
      depth++;
      const odd = /^\(\?(?:[=!]|<[=!])/.exec(pattern.slice(at));
      if (odd) return `invalid or unsupported Perl syntax: \`${odd[0].slice(0, 3)}\``;
    } else if (char === ')') {
      if (--depth < 0) return `unexpected ): \`${pattern}\``;
    } else if (REPEATS.includes(char) && (at === 0 || '(|'.includes(pattern[at - 1] as string)) && !(char === '?' && pattern[at - 1] === '(')) {
      return `missing argument to repetition operator: \`${char}\``;
    }
  }
  return depth > 0 ? `missing closing ): \`${pattern}\`` : undefined;
}

function classEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '^') at++;
  if (pattern[at] === ']') at++;
  for (; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern.startsWith('[:', at)) {
      const end = pattern.indexOf(':]', at + 2);
      if (end > 0) at = end + 1;
    } else if (pattern[at] === ']') return at;
  }
  return -1;
}
