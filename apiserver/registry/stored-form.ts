/** What stands in the store for an object: JSON with kind, apiVersion and metadata first, and no resourceVersion. */
import { encodeJson, spliceRevision } from '../../api/codec/encode.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import { withStoredLists } from '../../api/codec/stored-lists.ts';
import type { ApiObject } from '../../api/kind.ts';
import { deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { StoredForm } from '../exchange.ts';
import { shownAt } from '../written.ts';

export function encodeStored(object: DeepReadonly<ApiObject>): Buffer {
  return encodeJson(object as ApiObject);
}

/** Stored bytes at a revision; parsed when asked. */
export class StoredObject implements StoredForm {
  readonly bytes: Buffer;
  #object: DeepReadonly<ApiObject> | undefined;

  constructor(bytes: Buffer, object?: DeepReadonly<ApiObject>) {
    this.bytes = bytes;
    this.#object = object;
  }

  /** `value` is what the store holds at this revision; `object` what it was made of, which is not changed any more. */
  static at(value: Buffer, revision: number, object?: ApiObject): StoredObject {
    const shown = shownAt(value, revision);
    if (shown) return new StoredObject(shown.bytes, shown.object);
    const bytes = spliceRevision(value, revision);
    if (!object) return new StoredObject(bytes);
    const whole = withStoredLists(object) as ApiObject;
    return new StoredObject(bytes, deepFreeze({ ...whole, metadata: { ...whole.metadata, resourceVersion: String(revision) } }));
  }

  get object(): DeepReadonly<ApiObject> {
    return (this.#object ??= deepFreeze(parseExact(this.bytes.toString()) as ApiObject));
  }
}

/** An object that is shown without being stored (dry runs, an object as it was when it was deleted). */
export class LooseObject implements StoredForm {
  readonly object: DeepReadonly<ApiObject>;
  #bytes: Buffer | undefined;

  constructor(object: ApiObject) {
    this.object = deepFreeze(object);
  }

  get bytes(): Buffer {
    if (!this.#bytes) {
      const { kind, apiVersion, metadata, ...rest } = this.object;
      this.#bytes = Buffer.from(JSON.stringify({ kind, apiVersion, metadata, ...rest }));
    }
    return this.#bytes;
  }
}
