/** The headers that carry warnings. Provenance: endpoints/filters/warning.go of apiserver v0.36. */

/** How many characters all texts have together before each is cut short, and to how many. */
const TOTAL_LIMIT_CHARACTERS = 4 * 1024;
const ITEM_LIMIT_CHARACTERS = 256;
/** No header holds control characters; what has some is not told at all. */
const UNSENDABLE = /\p{Cc}/u;

/** What is said twice is told once. Where the texts are too long together, long ones are cut, and those that still find no room are left out. */
export function warningHeaders(texts: readonly string[]): string[] {
  const told = [...new Set(texts)].filter((text) => text !== '' && !UNSENDABLE.test(text));
  const total = told.reduce((sum, text) => sum + characters(text).length, 0);
  if (total <= TOTAL_LIMIT_CHARACTERS) return told.map(header);
  const headers: string[] = [];
  let written = 0;
  // Texts up to the one that was too much are all told, cut short.
  let whole = 0;
  for (const text of told) {
    whole += characters(text).length;
    const short = characters(text).slice(0, ITEM_LIMIT_CHARACTERS);
    if (whole > TOTAL_LIMIT_CHARACTERS && written >= TOTAL_LIMIT_CHARACTERS) break;
    headers.push(header(short.join('')));
    written += short.length;
  }
  return headers;
}

function characters(text: string): string[] {
  return [...text];
}

function header(text: string): string {
  return `299 - "${Buffer.from(text.replaceAll(/[\\"]/g, '\\$&')).toString('latin1')}"`;
}
