/** Values that are alike are one: many objects of a kind say the same of themselves. Bounded: what has not been seen for long is seen anew. */

/** So many of each sort are remembered; then all of them are forgotten. */
const LIMIT = 4_096;
/** The engine's parser of JSON makes texts of this length one by itself. */
const SHORT = 10;

export class Interned {
  readonly #texts = new Map<string, string>();
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();

  text(text: string): string {
    if (text.length <= SHORT) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    remember(this.#texts, text, text);
    return text;
  }

  labels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    let content = '';
    // Neither names nor values have such a character.
    for (const name in labels) content += `${name}\n${labels[name]}\n`;
    const known = this.#labels.get(content);
    if (known) return known;
    remember(this.#labels, content, Object.freeze(labels));
    return labels;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.size >= LIMIT) map.clear();
  map.set(key, value);
}
