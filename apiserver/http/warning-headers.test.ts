/** How warnings find room in headers. */
import { warningHeaders } from './warning-headers.ts';

test('warningHeaders() tells each text once, quoted, and none with control characters', () => {
  expect(warningHeaders(['a "b"', 'a "b"', '', 'two\nlines'])).toEqual(['299 - "a \\"b\\""']);
});

test('warningHeaders() cuts long texts where all of them are too long together', () => {
  const long = (mark: string): string => mark.repeat(300);
  const few = Array.from('abcdefghijklm', long);
  expect(warningHeaders(few)).toEqual(few.map((text) => `299 - "${text}"`));
  const many = Array.from('abcdefghijklmnopqrstuvwxyz', long);
  // Sixteen texts of 256 characters fill the 4096.
  expect(warningHeaders([...many, 'short'])).toEqual(many.slice(0, 16).map((text) => `299 - "${text.slice(0, 256)}"`));
});
