/** Values of headers as text: they come as bytes, which clients mean as UTF-8. */

/** `value` holds one character per byte, as Node hands it over. */
export function headerText(value: string): string {
  // oxlint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(value) ? Buffer.from(value, 'latin1').toString() : value;
}
