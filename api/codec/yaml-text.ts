/** The characters of a YAML body: UTF-8, or what its first bytes say it is. Provenance: the reader of go.yaml.in/yaml v2. */

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What the bytes are not is told. */
export function yamlText(bytes: Uint8Array): { readonly text: string } | { readonly problem: string } {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return { text: new TextDecoder('utf-16le').decode(bytes) };
  if (first === 0xfe && second === 0xff) return { text: new TextDecoder('utf-16be').decode(bytes) };
  try {
    // A mark of the order of bytes is dropped.
    return { text: UTF8.decode(bytes) };
  } catch {
    return { problem: malformed(bytes) };
  }
}

/** How long a sequence is that begins with such a byte; 0: none does. */
function widthOf(byte: number): number {
  if (byte < 0x80) return 1;
  if ((byte & 0xe0) === 0xc0) return 2;
  if ((byte & 0xf0) === 0xe0) return 3;
  return (byte & 0xf8) === 0xf0 ? 4 : 0;
}

const LEAST = [0, 0, 0x80, 0x800, 0x10000];

function malformed(bytes: Uint8Array): string {
  for (let at = 0, width = 0; at < bytes.length; at += width) {
    const lead = bytes[at] as number;
    width = widthOf(lead);
    if (width === 0) return 'invalid leading UTF-8 octet';
    if (at + width > bytes.length) return 'incomplete UTF-8 octet sequence';
    if (width === 1) continue;
    let code = lead & (0x7f >> width);
    for (let i = 1; i < width; i++) {
      const next = bytes[at + i] as number;
      if ((next & 0xc0) !== 0x80) return 'invalid trailing UTF-8 octet';
      code = (code << 6) | (next & 0x3f);
    }
    if (code < (LEAST[width] as number)) return 'invalid length of a UTF-8 sequence';
    if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return 'invalid Unicode character';
  }
  return 'invalid Unicode character';
}
