/**
 * New objects of some kinds come in many alike, as the pods of one template. What they have in common is kept in the form in which it
 * is stored, frozen, under the text that it had before it was brought into that form: whoever comes with the same text is given it,
 * and what rules found out about it holds for him as well.
 */
import { emptiesOf } from '../../api/codec/empties.ts';
import type { ApiObject } from '../../api/kind.ts';
import { deepFreeze } from '../../std/deep.ts';

/** The least recently used ones go when there are more, or when their texts are longer together. */
const PARTS_LIMIT = 256;
const TEXTS_LIMIT = 512 * 1024;
/** Longer ones are not worth it. */
const TEXT_LIMIT = 16 * 1024;

interface Alike {
  readonly kind: string;
  readonly part: object;
}

export class AlikeParts {
  readonly #parts = new Map<string, Alike>();
  #length = 0;

  /**
   * Gives an object the part that is known by its text. Otherwise the result keeps the object's own, to be called when it has its
   * form and no rule has refused it; nobody may change it any more. What is filled in or refused may depend on nothing but the text.
   */
  share(object: ApiObject, field: string): (() => void) | undefined {
    const part = object[field];
    // Rules tell what was sent empty from what was not sent, the text does not.
    if (typeof part !== 'object' || part === null || emptiesOf(part)) return undefined;
    const text = JSON.stringify(part);
    const { kind } = object;
    const known = this.#parts.get(text);
    if (known?.kind !== kind) return text.length > TEXT_LIMIT ? undefined : () => this.#keep(text, { kind, part: object[field] as object });
    this.#parts.delete(text);
    this.#parts.set(text, known);
    object[field] = known.part;
    return undefined;
  }

  #keep(text: string, { kind, part }: Alike): void {
    // Kinds that say the same in one text are rare: the first keeps it.
    if (this.#parts.has(text)) return;
    this.#parts.set(text, { kind, part: deepFreeze(part) });
    this.#length += text.length;
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size <= PARTS_LIMIT && this.#length <= TEXTS_LIMIT) return;
      this.#parts.delete(oldest);
      this.#length -= oldest.length;
    }
  }
}
