/** Where the scalars of a YAML text end, and what is wrong in them; their values are read elsewhere. Provenance: the scanner of go.yaml.in/yaml v2. */
import { isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, type Mark, type YamlCursor } from './yaml-cursor.ts';

/** `indent` is that of the collection around it. */
export function skipBlockScalar(cursor: YamlCursor, start: Mark, indent: number): void {
  cursor.skip();
  const header = cursor.run(/(?:[+-]\d?|\d[+-]?)?/y);
  const width = Number(/\d/.exec(header)?.[0] ?? NaN);
  if (width === 0) cursor.fail('found an indentation indicator equal to 0', start);
  cursor.run(/[ \t]*(?:#[^\r\n\x85\u2028\u2029]*)?/y);
  if (!isBreakOrEnd(cursor.char())) cursor.fail('did not find expected comment or line break', start);
  if (isBreak(cursor.char())) cursor.skipLine();
  const told = Number.isNaN(width) ? 0 : Math.max(indent, 0) + width;
  let own = skipBlockBreaks(cursor, start, { told, indent });
  while (cursor.column === own && cursor.char() !== '') {
    while (!isBreakOrEnd(cursor.char())) cursor.skip();
    if (isBreak(cursor.char())) cursor.skipLine();
    own = skipBlockBreaks(cursor, start, { told: own, indent });
  }
}

/** The indentation, found where it was not told. */
function skipBlockBreaks(cursor: YamlCursor, start: Mark, { told, indent }: { readonly told: number; readonly indent: number }): number {
  let deepest = 0;
  for (;;) {
    while ((told === 0 || cursor.column < told) && cursor.char() === ' ') cursor.skip();
    deepest = Math.max(deepest, cursor.column);
    if ((told === 0 || cursor.column < told) && cursor.char() === '\t') cursor.fail('found a tab character where an indentation space is expected', start);
    if (!isBreak(cursor.char())) break;
    cursor.skipLine();
  }
  return told === 0 ? Math.max(deepest, indent + 1, 1) : told;
}

export function skipQuoted(cursor: YamlCursor, start: Mark, quote: string): void {
  const { loose } = cursor;
  cursor.loose = true;
  cursor.skip();
  for (;;) {
    if (cursor.atIndicator()) cursor.fail('found unexpected document indicator', start);
    const char = cursor.char();
    if (char === '') cursor.fail('found unexpected end of stream', start);
    if (isBreak(char)) cursor.skipLine();
    else if (char === quote && quote === "'" && cursor.char(1) === quote) cursor.skip(2);
    else if (char === quote) break;
    else if (char === '\\' && quote === '"') skipEscape(cursor, start);
    else cursor.skip();
  }
  cursor.skip();
  cursor.loose = loose;
}

const ESCAPES = new Set('0abt\tnvfre "\'\\N_LP');
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function skipEscape(cursor: YamlCursor, start: Mark): void {
  const next = cursor.char(1);
  if (isBreak(next)) {
    cursor.skip();
    return cursor.skipLine();
  }
  const digits = HEX_ESCAPES[next];
  if (digits === undefined && !ESCAPES.has(next)) cursor.fail('found unknown escape character', start);
  cursor.skip(2);
  if (digits === undefined) return;
  const hex = cursor.text.slice(cursor.at, cursor.at + digits);
  if (hex.length < digits || !/^[0-9a-fA-F]*$/.test(hex)) cursor.fail('did not find expected hexdecimal number', start);
  const code = Number.parseInt(hex, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) cursor.fail('found invalid Unicode character escape code', start);
  cursor.skip(digits);
}

/** True: it ended with a line, so that a key may follow. */
export function skipPlain(cursor: YamlCursor, start: Mark, { inFlow, indent }: { readonly inFlow: boolean; readonly indent: number }): boolean {
  let broken = false;
  while (!cursor.atIndicator() && cursor.char() !== '#') {
    while (!isBlankOrEnd(cursor.char())) {
      const char = cursor.char();
      if ((char === ':' && isBlankOrEnd(cursor.char(1))) || (inFlow && ',?[]{}'.includes(char))) break;
      broken = false;
      cursor.skip();
    }
    if (!isBlank(cursor.char()) && !isBreak(cursor.char())) break;
    for (let char = cursor.char(); isBlank(char) || isBreak(char); char = cursor.char()) {
      if (isBreak(char)) {
        broken = true;
        cursor.skipLine();
        continue;
      }
      if (broken && cursor.column < indent && char === '\t') cursor.fail('found a tab character that violates indentation', start);
      cursor.skip();
    }
    if (!inFlow && cursor.column < indent) break;
  }
  return broken;
}

/** The number after `%YAML`. */
export function readVersion(cursor: YamlCursor, start: Mark): string {
  const major = cursor.run(/\d*/y);
  if (major === '') cursor.fail('did not find expected version number', start);
  if (cursor.char() !== '.') cursor.fail("did not find expected digit or '.' character", start);
  cursor.skip();
  const minor = cursor.run(/\d*/y);
  if (minor === '') cursor.fail('did not find expected version number', start);
  return `${major}.${minor}`;
}
