/** Base64 of text in UTF-8, without node's Buffer. */

export function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}

/** '' for what is no base64. */
export function fromBase64(encoded: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)));
  } catch {
    return '';
  }
}

/** How many bytes the text stands for. A null, which Go keeps in a map of bytes, is empty. */
export function base64Length(encoded: string | null): number {
  if (encoded === null) return 0;
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  return Math.floor((encoded.length * 3) / 4) - padding;
}
